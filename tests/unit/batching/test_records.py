"""Lean records: of one consumer and its batch topics, whoever else reads the same topics in the same process."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from agents.batching.records import LeanTopics
from agents.broker import EmbeddedBroker


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
    assert not hasattr(lean, "partition")
    assert (plain.topic, plain.partition) == ("calls", 1)
    assert (other.topic, other.partition) == ("others", 1)
    assert {(record.key, record.value, record.offset) for record in (lean, plain, other)} == {(b"key", b"value", 0)}
