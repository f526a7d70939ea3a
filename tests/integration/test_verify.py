"""`firstline verify` on a real Kafka: no false differences while events stream in, and a row that was tampered with is found."""

import json
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from agents import topics
from agents.settings import Settings
from streams.events import encode, make
from tests.command import Firstline
from tests.integration.centre import Centre, make_input
from tests.integration.kafka_server import KafkaServer, free_port
from tests.integration.test_processes import Command, week_of_centre

pytestmark = pytest.mark.kafka
PARTITIONS = 4


@pytest.fixture
def firstline(capsysbinary: pytest.CaptureFixture[bytes]) -> Firstline:
    return Firstline(capsysbinary)


@pytest.fixture
def centre(kafka: KafkaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Centre]:
    name = uuid4().hex[:8]
    settings = Settings(
        brokers=kafka.address, group=f"g-{name}", topic_prefix=f"{name}-", partitions=PARTITIONS, session_timeout=2, commit_interval=0.3,
        metrics_port=0, redis_url=f"redis://127.0.0.1:{free_port()}/0",
    )  # fmt: skip
    topics.ensure(settings)
    monkeypatch.setenv("FIRSTLINE_BROKERS", settings.brokers)
    monkeypatch.setenv("FIRSTLINE_TOPIC_PREFIX", settings.topic_prefix)
    centre = Centre(settings, tmp_path, PARTITIONS)
    yield centre
    centre.end()


def stream(centre: Centre, stop: threading.Event) -> None:
    """Calls of now: some events late by seconds, some twice, some in the wrong partition, some bad."""
    rnd = random.Random(5)
    number = 0
    while not stop.is_set():
        records: list[tuple[str, int | None, str, bytes]] = []
        now = int(time.time() * 1000)
        for _ in range(20):
            number += 1
            subject, at = f"call-{number}", now - rnd.randrange(0, 5000)
            for step, kind in enumerate(("call.queued", rnd.choice(("call.answered", "call.missed")))):
                event = make(kind, at + step * rnd.randrange(1, 4000), f"{subject}.{step}", "pbx", queue=rnd.choice("abc"))
                place = rnd.randrange(PARTITIONS) if rnd.random() < 0.05 else None
                records.append(("calls", place, subject, encode(subject, event)))
        records += rnd.sample(records, 5)
        records.append(("calls", None, "bad", b"{"))
        rnd.shuffle(records)
        centre.produce(records)
        stop.wait(0.1)


def test_nothing_differs_while_events_stream_in(centre: Centre, firstline: Firstline) -> None:
    worker = Command(centre, "--processes", "2")
    stop = threading.Event()
    feeding = threading.Thread(target=stream, args=(centre, stop))
    feeding.start()
    try:
        centre.wait(lambda: centre.committed() > 500)
        ended = firstline("verify", "--format", "json", "--patience", "90")
        assert feeding.is_alive()
    finally:
        stop.set()
        feeding.join()
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert told["differences"] == []
    assert told["left_out"] == []
    # The whole centre, the channel, no team, no priority, no agent; three queues, by themselves, without priority, and within the channel.
    # Of no agent there are the windows from an hour up.
    assert (told["segments"], told["rows"]) == (5 + 3 * 3, 13 * 7 + 3)
    assert told["figures"] > 94 * 20
    assert centre.stop(worker.process) == 0


def test_a_row_that_was_tampered_with_is_found(centre: Centre, firstline: Firstline) -> None:
    centre.settings = centre.settings.model_copy(update={"clock": "recording"})
    given = make_input(seed=31, interactions=300, partitions=PARTITIONS)
    centre.produce(given.records)
    worker = Command(centre)
    centre.wait_until_read()
    centre.wait(lambda: bool(row := week_of_centre(centre)) and row["kpis"]["offered"]["value"] == 300)
    options = ("--clock", "recording", "--window", "week")
    ended = firstline("verify", *options)
    assert (ended.code, ended.out.decode().split(",")[0].split(" in ")[0]) == (0, "0 differences"), ended.err

    value = next(value for _, key, value, _ in reversed(list(centre.read(topics.KPIS))) if key == b'{"queue":"b"}')
    assert value is not None
    record = json.loads(value)
    row = next(row for row in record["rows"] if row["window"] == "week")
    true = row["kpis"]["offered"]["value"]
    row["kpis"]["offered"]["value"] = true + 1
    centre.produce([(topics.KPIS, 0, '{"queue":"b"}', json.dumps(record).encode())])
    ended = firstline("verify", *options)
    assert ended.code == 1
    lines = ended.out.decode().splitlines()
    assert lines[1].split() == ["queue", "b", "week", row["start"], row["end"], "offered.value", str(true + 1), str(true)]
    assert lines[2].startswith("1 difference in ")
    assert firstline("verify", *options, "--by", "all").code == 0
    assert centre.stop(worker.process) == 0


def test_what_cannot_be_verified_is_named(centre: Centre, firstline: Firstline) -> None:
    ended = firstline("verify", "--patience", "1")
    assert (ended.code, ended.err) == (
        1, "error: no worker was heard of for 1 s; start one, or check FIRSTLINE_TOPIC_PREFIX and the brokers\n",
    )  # fmt: skip
    assert firstline("verify", "--by", "hour").code == 2
    assert '--window: the policy has no "2h"' in firstline("verify", "--window", "2h").err
