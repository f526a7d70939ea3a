"""A broker that is killed in the middle and comes back with its data: the worker waits, goes on by itself and loses nothing."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents import topics
from agents.settings import Settings
from tests.conftest import running
from tests.integration.centre import END_MS, Centre, make_input
from tests.integration.kafka_server import KafkaServer

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]
PARTITIONS = 4


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[KafkaServer]:
    yield from running(KafkaServer(tmp_path / "kafka"))


def test_a_killed_broker_comes_back_and_the_worker_goes_on(broker: KafkaServer, tmp_path: Path) -> None:
    settings = Settings(
        brokers=broker.address, group="g", topic_prefix="", partitions=PARTITIONS, session_timeout=6, commit_interval=0.3, clock="recording"
    )
    topics.ensure(settings)
    given = make_input(seed=3, interactions=6000, partitions=PARTITIONS)
    half = len(given.records) // 2
    centre = Centre(settings, tmp_path, PARTITIONS)
    try:
        worker = centre.start()
        centre.wait(lambda: centre.opened() >= PARTITIONS)
        centre.produce(given.records[:half])
        broker.kill()
        time.sleep(6)
        broker.start()
        centre.produce(given.records[half:])
        centre.wait_until_read()
        centre.wait(lambda: any(snapshot["final"] for snapshot in centre.snapshots()))
        assert centre.stop(worker) == 0
        assert centre.ledger() == given.truth
        assert (centre.snapshots()[-1]["at"], centre.snapshots()[-1]["final"]) == (END_MS, True)
    finally:
        centre.end()
