"""What a worker on a real Kafka says of itself: behind, without an answer, or stopped by what it must not read."""

import json
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from agents import topics
from streams.events import encode, make, pack
from streams.ledger_records import chunk_prefix, make_epoch
from tests.integration.centre import START_MS, Centre, small
from tests.integration.kafka_server import KafkaServer, free_port
from tests.integration.test_processes import Command

pytestmark = pytest.mark.kafka


@pytest.fixture
def centre(kafka: KafkaServer, tmp_path: Path) -> Iterator[Centre]:
    settings = small(kafka.address, metrics_port=0, ready_lag=10, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    centre = Centre(settings, tmp_path, 2)
    yield centre
    centre.end()


def reasons(command: Command) -> list[str] | None:
    """What `/readyz` names; None while nobody answers."""
    try:
        with urllib.request.urlopen(command.served()[0]["url"].replace("metrics", "readyz"), timeout=5) as answer:
            return list(json.load(answer)["reasons"])
    except urllib.error.HTTPError as exc:
        return list(json.load(exc)["reasons"])
    except (OSError, IndexError):
        return None


def metric(command: Command, name: str) -> float:
    with urllib.request.urlopen(command.served()[0]["url"], timeout=5) as page:
        lines = page.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def test_a_worker_that_is_behind_or_hears_nothing_says_so_until_it_is_over(centre: Centre, kafka: KafkaServer) -> None:
    worker = Command(centre)
    centre.wait(lambda: reasons(worker) == [])

    producer = Producer({"bootstrap.servers": kafka.address, "transactional.id": uuid4().hex, "log_level": 0})
    producer.init_transactions(30)
    producer.begin_transaction()
    for number in range(50):
        event = encode(f"call-{number}", make("call.queued", START_MS + number, str(number), "pbx"))
        producer.produce(centre.settings.topic("calls"), event, b"any", partition=0)
    producer.flush(30)  # written, but nobody may read it yet
    centre.wait(lambda: reasons(worker) == ["lag: behind by 50 events"])
    assert metric(worker, "firstline_consumer_lag_events{") == 50
    producer.commit_transaction(30)
    centre.wait(lambda: reasons(worker) == [])
    assert metric(worker, "firstline_consumer_lag_events{") == 0
    assert len(centre.ledger()) == 50

    assert kafka.process is not None
    kafka.process.send_signal(signal.SIGSTOP)
    try:
        centre.wait(lambda: any(reason.startswith("kafka: no answer for ") for reason in reasons(worker) or ()))
        assert metric(worker, "firstline_kafka_silence_seconds ") > 5
    finally:
        kafka.process.send_signal(signal.SIGCONT)
    centre.wait(lambda: reasons(worker) == [])
    assert centre.stop(worker.process) == 0


def test_a_worker_that_meets_newer_state_stops_with_the_remedy(centre: Centre) -> None:
    key = chunk_prefix(make_epoch(1, b"newer..."), 0) + b"call-1"
    newer = b"\x02" + pack((make("call.queued", START_MS, "1", "pbx"),))[1:]
    producer = Producer({"bootstrap.servers": centre.settings.brokers, "log_level": 0})
    producer.produce(centre.settings.topic(topics.LEDGER), newer, key, partition=1)
    assert producer.flush(30) == 0
    worker = Command(centre)
    assert worker.process.wait(60) == 1
    log = worker.log.read_text()
    assert log.count("ledger record of format 2, but this release reads format 1: a newer worker wrote it. Run that release, or reset") == 1
    assert "Traceback" not in log
    assert worker.lines("partition opened") == []
