"""The embedded broker, and the brake of a source that writes to it."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from agents.broker import PARTITIONS, BrokerError, EmbeddedBroker, ReadAhead


async def test_records_come_back_with_their_headers_and_timestamps() -> None:
    with EmbeddedBroker() as broker:
        producer = AIOKafkaProducer(bootstrap_servers=broker.address, enable_idempotence=True)
        consumer = AIOKafkaConsumer("calls", bootstrap_servers=broker.address, group_id="g", auto_offset_reset="earliest")
        await producer.start()
        await producer.send_and_wait("calls", b"value", key=b"key", partition=1, headers=[("ce_id", b"1")], timestamp_ms=1_700_000_000_000)
        assert await producer.partitions_for("calls") == set(range(PARTITIONS))
        await consumer.start()
        record = await asyncio.wait_for(consumer.getone(), 10)
        assert (record.key, record.value, record.partition, record.headers) == (b"key", b"value", 1, (("ce_id", b"1"),))
        assert record.timestamp == 1_700_000_000_000
        await consumer.stop()
        await producer.stop()


def test_a_broker_that_is_not_running_says_so() -> None:
    broker = EmbeddedBroker()
    with pytest.raises(BrokerError, match="start it first"):
        _ = broker.address
    with broker:
        assert broker.address.startswith("127.0.0.1:")


async def test_a_source_waits_until_the_worker_has_read() -> None:
    ahead = ReadAhead(limit=100)
    await ahead.room()
    ahead.sent("calls", 0, offset=4, size=60)
    ahead.sent("calls", 0, offset=9, size=60)
    waiting = asyncio.ensure_future(ahead.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    assert ahead.unread("calls", 0) == 120
    ahead.read("calls", 0, next_offset=4)
    ahead.read("calls", 1, next_offset=10)
    await asyncio.sleep(0)
    assert not waiting.done()
    ahead.read("calls", 0, next_offset=5)
    await asyncio.wait_for(waiting, 1)
    assert ahead.unread("calls", 0) == 60


async def test_what_was_read_before_its_acknowledgement_came_does_not_count() -> None:
    ahead = ReadAhead(limit=10)
    ahead.read("calls", 0, next_offset=5)
    ahead.sent("calls", 0, offset=4, size=60)
    await asyncio.wait_for(ahead.room(), 1)
