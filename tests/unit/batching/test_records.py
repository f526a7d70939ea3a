"""Lean records, a batch at a time: of one consumer and its batch topics, whoever else reads the same topics in the same process."""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.consumer.fetcher import READ_COMMITTED
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from agents.batching.records import LeanTopics, PartitionRecords
from agents.broker import EmbeddedBroker

PLAIN, ABORTED = -1, 7
"""Producers: one without transactions, one whose transaction was aborted."""


def batch(first: int, count: int, producer: int = PLAIN, kept: tuple[int, ...] | None = None) -> bytes:
    """`count` records from an offset on, of which compaction has left those that are `kept`."""
    builder = DefaultRecordBatchBuilder(2, 0, producer == ABORTED, producer, 0, 0, 1 << 20)
    for n in range(count):
        if kept is None or n in kept or n == count - 1:
            builder.append(n, 1_700_000_000_000 + first + n, b"k%d" % (first + n), b"v%d" % (first + n), [])
    out = bytearray(builder.build())
    out[0:8] = first.to_bytes(8, "big")
    return bytes(out)


LOG = {13: batch(10, 3), 14: batch(13, 1), 18: batch(14, 4, ABORTED), 23: batch(18, 5, kept=(1, 3)), 32: batch(30, 2)}
"""By the offset after them: a broker answers from the batch on that holds the offset that is asked for."""
TP = TopicPartition("calls", 0)


def unpacked(start: int, mark: LeanTopics | None) -> tuple[list[tuple[int, bytes, bytes]], int]:
    """Offset, key and value of each record from an offset on, and where the next fetch begins."""
    log = b"".join(each for end, each in LOG.items() if end > start)
    records = PartitionRecords(TP, MemoryRecords(log), [(ABORTED, 14)], start, mark, None, True, READ_COMMITTED)
    found = list(records)
    flat = [record for each in found for record in each.records] if mark else found
    return [(each.offset, each.key, each.value) for each in flat], records.next_fetch_offset


@pytest.mark.parametrize("start", range(10, 32))
def test_whole_batches_hold_the_records_that_single_ones_are(start: int) -> None:
    offsets = [offset for offset in (10, 11, 12, 13, 19, 21, 22, 30, 31) if offset >= start]
    expected = [(offset, b"k%d" % offset, b"v%d" % offset) for offset in offsets]
    assert unpacked(start, LeanTopics(frozenset({"calls"}))) == (expected, 32)
    assert unpacked(start, None) == (expected, 32)


async def first(consumer: Any) -> Any:
    await consumer.start()
    try:
        return await asyncio.wait_for(consumer.getone(), 10)
    finally:
        await consumer.stop()


async def test_only_the_marked_consumer_gets_lean_records_and_only_of_its_topics() -> None:
    with EmbeddedBroker() as broker:
        producer = AIOKafkaProducer(bootstrap_servers=broker.address)
        await producer.start()
        for topic in ("calls", "others"):
            await producer.send_and_wait(topic, b"value", key=b"key", partition=1)
        await producer.stop()

        def reader(topic: str, *lean: str) -> Any:
            consumer = AIOKafkaConsumer(topic, bootstrap_servers=broker.address, auto_offset_reset="earliest")
            if lean:
                consumer._key_deserializer = LeanTopics(frozenset(lean))
            return consumer

        lean, plain, other = await first(reader("calls", "calls")), await first(reader("calls")), await first(reader("others", "calls"))
    [lean] = lean.records
    assert not hasattr(lean, "partition")
    assert (plain.topic, plain.partition) == ("calls", 1)
    assert (other.topic, other.partition) == ("others", 1)
    assert {(record.key, record.value, record.offset) for record in (lean, plain, other)} == {(b"key", b"value", 0)}
