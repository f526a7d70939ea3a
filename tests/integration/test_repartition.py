"""From four partitions to eight on a real Kafka: what was altered in place is refused, what was copied gives the same rows."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions

from agents import topics
from agents.settings import Settings
from streams.events import encode, make
from tests.command import Firstline
from tests.integration.centre import START_MS, Centre, make_input
from tests.integration.kafka_server import KafkaServer

pytestmark = pytest.mark.kafka


@pytest.fixture
def firstline(capsysbinary: pytest.CaptureFixture[bytes]) -> Firstline:
    return Firstline(capsysbinary)


@pytest.fixture
def old(kafka: KafkaServer, tmp_path: Path) -> Iterator[Centre]:
    name = uuid4().hex[:8]
    settings = Settings(
        brokers=kafka.address, group=f"g-{name}", topic_prefix=f"{name}-", partitions=4, session_timeout=2, commit_interval=0.3,
        clock="recording",
    )  # fmt: skip
    topics.ensure(settings)
    topics.alter(settings, "calls", {"retention.ms": "-1"})
    centre = Centre(settings, tmp_path, 4)
    yield centre
    centre.end()


@pytest.fixture
def new(old: Centre, tmp_path: Path) -> Iterator[Centre]:
    (tmp_path / "new").mkdir()
    settings = old.settings.model_copy(update={"topic_prefix": f"new-{old.settings.topic_prefix}", "group": "new", "partitions": 8})
    centre = Centre(settings, tmp_path / "new", 8)
    yield centre
    centre.end()


def records(centre: Centre, topic: str) -> "Counter[tuple[Any, ...]]":
    """All records of a topic, wherever they lie: key, value, headers, timestamp."""
    consumer = Consumer({"bootstrap.servers": centre.settings.brokers, "group.id": "test", "enable.partition.eof": True})
    name = centre.settings.topic(topic)
    places = [TopicPartition(name, partition, 0) for partition in consumer.list_topics(name, timeout=10).topics[name].partitions]
    consumer.assign(places)
    found: Counter[tuple[Any, ...]] = Counter()
    ended = 0
    while ended < len(places):
        message = consumer.poll(10)
        assert message is not None
        if message.error():
            ended += 1
        else:
            found[message.key(), message.value(), tuple(message.headers() or ()), message.timestamp()] += 1
    consumer.close()
    return found


def final_rows(centre: Centre) -> Any:
    """The rows at the recording's end, as a worker has them."""
    worker = centre.start()
    centre.wait_until_read()
    centre.wait(lambda: any(snapshot["final"] for snapshot in centre.snapshots()))
    assert centre.stop(worker) == 0
    return centre.final_rows()


def test_events_copied_into_more_partitions_give_the_same_rows_and_altered_topics_are_refused(
    old: Centre, new: Centre, firstline: Firstline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = make_input(seed=13, interactions=600, partitions=4)
    old.produce(given.records)
    rows = final_rows(old)
    assert rows["()/()/week"]["kpis"]["offered"]["value"] == 600

    for name in ("BROKERS", "TOPIC_PREFIX", "PARTITIONS"):
        monkeypatch.setenv(f"FIRSTLINE_{name}", str(getattr(new.settings, name.lower())))
    copy = ["replay", "--from-kafka", "--from-prefix", old.settings.topic_prefix, "--resume", tmp_path / "copied.json"]
    ended = firstline(*copy)
    assert ended.code == 0, ended.err
    assert f"note: topic {new.settings.topic('calls')}: retention.ms -1, as the old one has\n" in ended.err
    sent = len(given.records) + given.misplaced - 4 + 8
    assert f"note: {sent:,} records copied into 8 partitions of {new.settings.topic('…')}" in ended.err
    before = records(old, "calls")
    assert records(new, "calls") == before
    assert final_rows(new) == rows
    assert new.ledger() == given.truth

    late = make("call.queued", START_MS, "late", "pbx", queue="a")
    old.produce([("calls", None, "late", encode("late", late))])
    ended = firstline(*copy)
    assert (ended.code, ended.err.split(";")[0]) == (0, f"note: 1 record copied into 8 partitions of {new.settings.topic('…')}")
    assert records(new, "calls").total() == before.total() + 1
    monkeypatch.setenv("FIRSTLINE_TOPIC_PREFIX", "other-")
    ended = firstline(*copy)
    assert (ended.code, "--resume: " in ended.err, "another into" in ended.err) == (2, True, True)

    admin = AdminClient({"bootstrap.servers": old.settings.brokers})
    altered = [old.settings.topic(name) for name in ("calls", "chats", "tickets", "feedback", "control", topics.LEDGER)]
    for done in admin.create_partitions([NewPartitions(name, 8) for name in altered]).values():
        done.result(10)
    old.wait(lambda: topics.check(old.settings.model_copy(update={"partitions": 8})) == [])
    assert old.start().wait(60) == 1
    assert "which of 8 partitions belongs to another" in old.logs()
    assert "firstline replay --from-kafka" in old.logs()


def test_what_replay_cannot_combine_is_named(firstline: Firstline, tmp_path: Path) -> None:
    assert firstline("replay").err.startswith("error: argument FILE: is missing; name a recording, or give --from-kafka")
    ended = firstline("replay", "--from-kafka", tmp_path / "x", "--strict")
    assert (ended.code, "FILE, --strict is not for it" in ended.err) == (2, True)
    assert "--from-prefix: '' is the prefix of the topics to copy into as well" in firstline("replay", "--from-kafka").err
    assert "are for --from-kafka" in firstline("replay", tmp_path / "x", "--from-prefix", "a").err
