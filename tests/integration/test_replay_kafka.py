"""Topics and replay against a real Kafka, through the command line."""

import json
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType

from agents.recordings import Record
from agents.replay_kafka import KafkaSender
from agents.synthetic import generate
from streams.partitioning import partition_of
from tests.command import Firstline
from tests.integration.kafka_server import KafkaServer

pytestmark = pytest.mark.kafka


@pytest.fixture
def firstline(capsysbinary: pytest.CaptureFixture[bytes]) -> Firstline:
    return Firstline(capsysbinary)


def everything(address: str, topic: str) -> list[tuple[int, bytes, bytes]]:
    """(partition, key, value) of all records of a topic."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": "test", "enable.auto.commit": False})
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        ends = {number: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)[1] for number in partitions}
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        out: list[tuple[int, bytes, bytes]] = []
        while len(out) < sum(ends.values()):
            message = consumer.poll(10)  # `consume` would wait for its whole number
            assert message is not None and message.error() is None
            out.append((message.partition(), message.key(), message.value()))
        return out
    finally:
        consumer.close()


def test_topics_are_missing_then_created_then_as_they_should_be(
    kafka: KafkaServer, firstline: Firstline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTLINE_BROKERS", kafka.address)
    monkeypatch.setenv("FIRSTLINE_TOPIC_PREFIX", "made.")
    monkeypatch.setenv("FIRSTLINE_PARTITIONS", "3")
    ended = firstline("topics", "--check")
    assert ended.code == 1
    assert "failed  topics: topic made.calls: is missing; run `firstline topics --create`\n" in ended.err
    ended = firstline("topics", "--create")
    assert ended.code == 0
    assert b"created  made.calls\n" in ended.out
    assert firstline("topics").out == b"ok      topics: 12 are as they should be\n"
    assert firstline("topics", "--create").out == b"ok      topics: 12 are as they should be\n"

    admin = AdminClient({"bootstrap.servers": kafka.address})
    entry = ConfigEntry("cleanup.policy", "delete", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, "made.kpis", incremental_configs=[entry])
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(10)
    until = time.monotonic() + 10  # the broker learns of it a moment after the controller
    while "made.kpis" not in (ended := firstline("check")).err and time.monotonic() < until:
        time.sleep(0.1)
    assert ended.code == 1
    assert "failed  topics: topic made.kpis: cleanup.policy is delete, state would expire; set it to compact\n" in ended.err


def test_too_few_partitions_are_named_with_the_remedy(kafka: KafkaServer, firstline: Firstline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTLINE_TOPIC_PREFIX", "few.")
    admin = AdminClient({"bootstrap.servers": kafka.address})
    for done in admin.create_topics([NewTopic("few.calls", 1, 1), NewTopic("few.chats", 4, 1)]).values():
        done.result(10)
    ended = firstline("topics", "--create", "--brokers", kafka.address)
    assert ended.code == 1
    assert ended.out == b""
    assert "error: topic few.calls: 1 partitions, but another interaction topic has 4" in ended.err
    ended = firstline("topics", "--check", "--brokers", kafka.address)
    assert ended.code == 1
    assert "failed  topics: topic few.calls: 1 partitions, but another interaction topic has 4" in ended.err


def test_every_event_arrives_untouched_where_its_key_belongs_and_every_partition_hears_of_the_end(
    kafka: KafkaServer, firstline: Firstline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTLINE_BROKERS", kafka.address)
    monkeypatch.setenv("FIRSTLINE_TOPIC_PREFIX", "whole.")
    lines = [line.rstrip(b"\n") for line in generate(7, 0.4)]
    recording = tmp_path / "day.jsonl"
    recording.write_bytes(b"\n".join([*lines[:50], b"{broken", *lines[50:]]))
    ended = firstline("replay", recording)
    assert ended.code == 0
    assert f"{recording}, line 51, field $: malformed" in ended.err
    assert f"note: {len(lines):,} events sent to {kafka.address}; the recording ends at " in ended.err

    found = [record for topic in ("calls", "chats", "tickets") for record in everything(kafka.address, f"whole.{topic}")]
    assert Counter(value for _, _, value in found) == Counter(lines)
    assert all(json.loads(value)["subject"].encode() == key and partition == partition_of(key, 4) for partition, key, value in found)
    last = max(datetime.fromisoformat(json.loads(line)["time"]) for line in lines)
    ends = everything(kafka.address, "whole.control")
    assert sorted((partition, key) for partition, key, _ in ends) == [(number, b"recording-ended-%d" % number) for number in range(4)]
    for _, _, value in ends:
        end = json.loads(value)
        assert (end["type"], round((datetime.fromisoformat(end["data"]["at"]) - last).total_seconds() * 1000)) == ("recording.ended", 1)


def test_a_replay_goes_on_where_it_was_stopped(
    kafka: KafkaServer, firstline: Firstline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTLINE_BROKERS", kafka.address)
    monkeypatch.setenv("FIRSTLINE_TOPIC_PREFIX", "again.")
    lines = list(generate(8, 0.4))
    recording = tmp_path / "day.jsonl"
    recording.write_bytes(b"".join(lines))
    state = tmp_path / "state.json"

    real, sent = KafkaSender.send, 0

    def send(self: KafkaSender, record: Record) -> bool:
        nonlocal sent
        sent += 1
        if sent == 40:
            raise KeyboardInterrupt
        return real(self, record)

    with monkeypatch.context() as patch:
        patch.setattr("agents.replay_kafka.KafkaSender.send", send)
        patch.setattr("agents.replay._CHECKPOINT_S", 0.0)
        assert firstline("replay", recording, "--resume", state).code == 130
    assert json.loads(state.read_bytes())["acknowledged"] == 39
    ended = firstline("replay", recording, "--resume", state)
    assert (ended.code, ended.err.split(";")[0]) == (
        0, f"note: {len(lines) - 39:,} events sent to {kafka.address}, 39 were there before",
    )  # fmt: skip
    assert not state.exists()
    found = [value for topic in ("calls", "chats", "tickets") for _, _, value in everything(kafka.address, f"again.{topic}")]
    assert Counter(found) == Counter(line.rstrip(b"\n") for line in lines)
