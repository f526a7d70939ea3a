"""The extensions override or rely on private code of three libraries.

A changed hash is no error of its own: read the difference, see whether each override still holds, run the integration tests, then take the
new hash over.
"""

import hashlib
import inspect
from typing import Any

import pytest
from aiokafka.consumer import consumer as aiokafka_consumer
from aiokafka.consumer import fetcher, subscription_state
from aiokafka.producer import message_accumulator
from faust.tables import base, manager, recovery
from faust.transport import conductor, consumer
from faust.transport.drivers import aiokafka as driver
from mode.utils import queues

from agents import loop
from agents.batching.records import PartitionRecords

PINS: dict[str, tuple[Any, str]] = {
    "faust Consumer": (consumer.Consumer, "2a6a37200a4ddc55"),
    "faust ThreadDelegateConsumer": (consumer.ThreadDelegateConsumer, "a1b934b198fae1c0"),
    "faust driver Consumer": (driver.Consumer, "959f899e8ebfdd56"),
    "faust ConsumerRebalanceListener": (driver.ConsumerRebalanceListener, "f3d04f29dfb3f716"),
    "faust AIOKafkaConsumerThread._create_worker_consumer": (driver.AIOKafkaConsumerThread._create_worker_consumer, "c2701bfc3e6f6cad"),
    "faust AIOKafkaConsumerThread._fetch_records": (driver.AIOKafkaConsumerThread._fetch_records, "39a2c6c79fc1455a"),
    "faust AIOKafkaConsumerThread._seek_wait": (driver.AIOKafkaConsumerThread._seek_wait, "9d221e816d940467"),
    "faust ConductorCompiler": (conductor.ConductorCompiler, "f8bedb3d7dc2083d"),
    "faust Collection": (base.Collection, "023b0076de6095d2"),
    "faust TableManager": (manager.TableManager, "f6eed12883a36a91"),
    "faust Recovery": (recovery.Recovery, "a652ef029484ee3a"),
    "mode FlowControlEvent": (queues.FlowControlEvent, "1da8f905ab655e39"),
    "aiokafka AIOKafkaConnection": (loop.Connection.__bases__[0], "ac26ab36fe7cd5b4"),
    "aiokafka PartitionRecords": (PartitionRecords.__bases__[0], "94aa0da0dbec8d1b"),
    "aiokafka FetchResult": (fetcher.FetchResult, "d7db13f06de8248c"),
    "aiokafka Fetcher.fetched_records": (fetcher.Fetcher.fetched_records, "be4348896b9b66af"),
    "aiokafka TopicPartitionState": (subscription_state.TopicPartitionState, "2b83334afadf6d98"),
    "aiokafka seek_to_committed": (aiokafka_consumer.AIOKafkaConsumer.seek_to_committed, "f6cd85c8b70a4ccf"),
    "aiokafka BatchBuilder": (message_accumulator.BatchBuilder, "8050802ca7514186"),
    "aiokafka add_batch": (message_accumulator.MessageAccumulator.add_batch, "5ed1c5b1367ad854"),
}


@pytest.mark.parametrize("name", PINS)
def test_overridden_source_is_the_one_that_was_read(name: str) -> None:
    source, pin = PINS[name]
    assert hashlib.sha256(inspect.getsource(source).encode()).hexdigest()[:16] == pin
