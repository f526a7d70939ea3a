"""The worker on a real Kafka: whatever happens to it, the ledger is the set of the input's events."""

import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from agents import topics
from agents.settings import Settings
from tests.integration.centre import END_MS, Centre, make_input
from tests.integration.kafka_server import KafkaServer

pytestmark = pytest.mark.kafka
PARTITIONS = 4


@pytest.fixture
def centre(kafka: KafkaServer, tmp_path: Path) -> Iterator[Centre]:
    name = uuid4().hex[:8]
    settings = Settings(
        brokers=kafka.address, group=f"g-{name}", topic_prefix=f"{name}-", partitions=PARTITIONS, session_timeout=2, commit_interval=0.3,
        clock="recording",
    )  # fmt: skip
    assert topics.ensure(settings) == PARTITIONS
    centre = Centre(settings, tmp_path, PARTITIONS)
    yield centre
    centre.end()


def test_the_ledger_equals_the_input_after_kills_in_the_middle(centre: Centre) -> None:
    rnd, given = random.Random(7), make_input(seed=7, interactions=3000, partitions=PARTITIONS)
    worker = centre.start()
    quarter = len(given.records) // 4
    for kill in range(1, 4):
        centre.wait(lambda kill=kill: centre.opened() >= kill * PARTITIONS)
        with centre.feeding(given.records[(kill - 1) * quarter : kill * quarter], rate=700):
            time.sleep(rnd.uniform(0, 1.0))
            centre.stop(worker, signal.SIGKILL)
            worker = centre.start()
    centre.produce(given.records[3 * quarter :])
    centre.wait_until_read()
    centre.wait(lambda: any(snapshot["final"] for snapshot in centre.snapshots()))
    assert centre.stop(worker) == 0
    assert centre.ledger() == given.truth
    letters = centre.dead_letters()
    assert {value for value, _ in letters} == given.poison
    assert {headers["firstline_topic"] for _, headers in letters} == {centre.settings.topic("calls").encode()}
    assert {headers["firstline_reason"] for _, headers in letters} <= {b"malformed", b"missing_field", b"wrong_kind"}
    final = centre.snapshots()[-1]
    assert (final["at"], final["complete"], final["final"]) == (END_MS, True, True)


def test_two_workers_joining_leaving_and_sleeping_lose_nothing(centre: Centre) -> None:
    given = make_input(seed=11, interactions=3000, partitions=PARTITIONS)
    step = len(given.records) // 6
    first, second = centre.start(), centre.start()
    for n in range(6):
        end = None if n == 5 else (n + 1) * step
        centre.produce(given.records[n * step : end])
        if n == 1:
            first.send_signal(signal.SIGSTOP)  # longer than the session: the other takes over
            time.sleep(4)
            first.send_signal(signal.SIGCONT)
        elif n == 2:
            assert centre.stop(second) == 0
        elif n == 3:
            second = centre.start()
        time.sleep(1)
    centre.wait_until_read()
    assert centre.ledger() == given.truth
    exits = Counter(worker.poll() for worker in (first, second))
    assert exits[None] >= 1, centre.logs()[-4000:]


def test_a_worker_commits_and_leaves_the_group_when_told_to_stop(centre: Centre) -> None:
    given = make_input(seed=3, interactions=50, partitions=PARTITIONS)
    centre.produce(given.records)
    worker = centre.start(FIRSTLINE_COMMIT_INTERVAL="60")
    centre.wait(lambda: len(centre.ledger()) == len(given.truth))
    assert centre.committed() == 0
    assert centre.stop(worker) == 0
    assert centre.committed() == centre.ends()  # at the end it commits what it has done
    started = time.monotonic()
    successor = centre.start()
    centre.wait(lambda: centre.opened() == 2 * PARTITIONS)
    assert time.monotonic() - started < 15
    assert centre.stop(successor) == 0


def test_events_of_an_aborted_transaction_never_happened_and_its_holes_stop_nobody(centre: Centre) -> None:
    given = make_input(seed=5, interactions=300, partitions=PARTITIONS)
    other = make_input(seed=6, interactions=100, partitions=PARTITIONS)
    worker = centre.start()
    third = len(given.records) // 3
    centre.produce(given.records[:third], transaction="commit")
    centre.produce(other.records, transaction="abort")
    centre.produce(given.records[third : 2 * third], transaction="commit")
    centre.wait(lambda: centre.opened() == PARTITIONS)
    centre.produce(other.records[:50], transaction="abort")
    centre.produce(given.records[2 * third :])
    centre.wait(lambda: centre.ledger() == given.truth)
    assert worker.poll() is None
    centre.wait(lambda: any(snapshot["final"] for snapshot in centre.snapshots()))
