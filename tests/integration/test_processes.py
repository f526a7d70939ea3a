"""`firstline worker --processes`: several workers on one machine with one command, on a real Kafka."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from agents import topics
from agents.settings import Settings
from streams.calendar_time import from_rfc3339
from streams.events import unpack
from streams.policy import DEFAULT
from streams.recording import Recording
from tests.compared import product_rows
from tests.integration.centre import END_MS, Centre, make_input
from tests.integration.kafka_server import KafkaServer, free_port

pytestmark = pytest.mark.kafka
PARTITIONS = 4
ROOT = Path(__file__).parents[2]


class Command:
    """A running `firstline worker`, with its log."""

    def __init__(self, centre: Centre, *options: str) -> None:
        self.log = centre.folder / f"worker-command-{uuid4().hex[:4]}.log"
        environment = {f"FIRSTLINE_{name.upper()}": str(value) for name, value in centre.settings.model_dump(exclude_none=True).items()}
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "agents.cli", "worker", *options],
                cwd=ROOT,
                env={**os.environ, **environment},
                stdout=out,
                stderr=out,
            )
        centre.workers.append(self.process)

    def lines(self, event: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{") and line.endswith("}")]
        return [line for line in found if line["event"] == event]

    def served(self) -> list[dict[str, Any]]:
        return self.lines("metrics, /healthz and /readyz are served")

    def pids(self) -> list[int]:
        return [line["pid"] for line in self.served()]

    def owners(self) -> set[int]:
        """Numbers of the processes that have opened partitions."""
        return {line["process"] for line in self.lines("partition opened")}


def ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url.replace("/metrics", "/readyz"), timeout=5) as answer:
            return bool(json.load(answer)["status"] == "ready")
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.fixture
def centre(kafka: KafkaServer, tmp_path: Path) -> Iterator[Centre]:
    name = uuid4().hex[:8]
    settings = Settings(
        brokers=kafka.address, group=f"g-{name}", topic_prefix=f"{name}-", partitions=PARTITIONS, session_timeout=2, commit_interval=0.3,
        clock="recording", metrics_port=0, redis_url=f"redis://127.0.0.1:{free_port()}/0",
    )  # fmt: skip
    topics.ensure(settings)
    centre = Centre(settings, tmp_path, PARTITIONS)
    yield centre
    centre.end()


def week_of_centre(centre: Centre) -> dict[str, Any]:
    """The newest row of the whole centre and the week on the `kpis` topic, empty before there is one of the recording's end. Its clock
    may have come to the end on one partition while events of others are still being read."""
    last = {key: value for _, key, value, _ in centre.read(topics.KPIS)}
    rows = json.loads(last.get(b"{}") or b'{"rows": []}')["rows"]
    return next((row for row in rows if row["window"] == "week" and from_rfc3339(row["end"]) == END_MS), {})


def test_two_processes_share_the_work_and_one_that_is_killed_is_replaced(centre: Centre) -> None:
    given = make_input(seed=21, interactions=1500, partitions=PARTITIONS)
    half = len(given.records) // 2
    command = Command(centre, "--processes", "2")
    centre.wait(lambda: command.owners() == {1, 2} and all(ready(line["url"]) for line in command.served()))
    assert len({line["url"] for line in command.served()}) == 2
    centre.produce(given.records[:half])
    centre.wait(lambda: centre.committed() > 0)
    os.kill(command.pids()[0], signal.SIGKILL)
    centre.produce(given.records[half:])
    centre.wait(lambda: len(command.served()) == 3)
    assert [line["exit"] for line in command.lines("a process has ended and is started again")] == [-9]
    centre.wait_until_read()
    assert centre.ledger() == given.truth

    recording = Recording()
    for subject, events in given.truth.items():
        for packed in events:
            recording.add(subject, unpack(packed)[0])
    (expected,) = product_rows(recording, DEFAULT, "week", at=END_MS)
    assert expected["kpis"]["offered"]["value"] == 1500
    centre.wait(lambda: bool(week_of_centre(centre)) and week_of_centre(centre)["kpis"] == json.loads(json.dumps(expected["kpis"])))

    assert centre.stop(command.process) == 0
    assert all(gone(pid) for pid in command.pids())


def test_processes_whose_parent_is_killed_end(centre: Centre) -> None:
    command = Command(centre, "--processes", "2")
    centre.wait(lambda: command.owners() == {1, 2})
    command.process.kill()
    command.process.wait()
    centre.wait(lambda: all(gone(pid) for pid in command.pids()))


def test_what_stops_all_of_them_is_said_once(centre: Centre) -> None:
    admin = AdminClient({"bootstrap.servers": centre.settings.brokers})
    other = Centre(centre.settings.model_copy(update={"topic_prefix": f"odd-{centre.settings.topic_prefix}"}), centre.folder, PARTITIONS)
    for done in admin.create_topics(
        [NewTopic(other.settings.topic("calls"), 1, 1), NewTopic(other.settings.topic("chats"), 4, 1)]
    ).values():
        done.result(10)
    command = Command(other, "--processes", "2")
    assert command.process.wait(30) == 1
    assert command.log.read_text().count("1 partitions, but another interaction topic has 4") == 1


def test_a_process_that_cannot_begin_ends_all_with_its_message(centre: Centre) -> None:
    taken = free_port()
    with socket.create_server(("127.0.0.1", taken)):
        command = Command(centre, "--processes", "2", "--metrics-port", str(taken - 1))
        assert command.process.wait(100) == 2, command.log.read_text()
    assert command.log.read_text().count(f"error: port {taken} on 127.0.0.1 is already in use; choose another with --metrics-port") == 1
    assert all(gone(pid) for pid in command.pids())
