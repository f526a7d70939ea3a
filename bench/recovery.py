"""How soon a worker is ready again with everything it holds: closed calls in the ledger's changelog of a real Kafka.

    python -m bench.recovery [INTERACTIONS [PROCESSES]]

The changelog is written by the ledger's own code, 3 or 4 events a call, over four partitions. The time runs from the start of
`firstline worker` to `/readyz` of every process saying yes; the processor time beside it tells how much of that was waiting for a
core. Needs Java, as the tests on Kafka do.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from confluent_kafka import Producer

from agents import topics
from agents.settings import Settings
from bench.common import firstline, machine, told
from streams.events import Event, make
from streams.ledger import Ledger
from streams.ledger_records import Record, announcement, make_epoch
from streams.partitioning import partition_of
from tests.integration.kafka_server import KafkaServer, free_port

PARTITIONS = 4
DAYS = 30
AT_ONCE = 2_000
"""Interactions a flush."""
PATIENCE_S = 600.0


def call(number: int, draw: random.Random, now_ms: int) -> Iterator[Event]:
    """The events of one closed call of the last month, at one of 200 agents in 10 teams, each with 3 queues of its own."""
    at = now_ms - draw.randrange(3_600_000, DAYS * 86_400_000)
    agent = draw.randrange(200)
    team = agent // 20
    queued = {"queue": f"queue-{team * 3 + draw.randrange(3)}", "customer": f"customer-{draw.randrange(100_000)}", "priority": "normal"}
    steps: list[tuple[str, dict[str, str]]] = [("call.queued", queued)]
    if draw.random() < 0.5:
        steps.append(("call.ringing", {}))
    steps += [("call.answered", {"agent": f"agent-{agent}", "team": f"team-{team}"}), ("call.ended", {})]
    for step, (kind, data) in enumerate(steps):
        yield make(kind, at, f"{number}.{step}", "pbx", **data)
        at += draw.randrange(1_000, 200_000)


def changelog(interactions: int) -> Iterator[tuple[int, list[Record]]]:
    """Batches of records and their partitions."""
    now, draw = int(time.time() * 1000), random.Random(1)
    epoch = make_epoch(1, b"recovery")
    ledgers = [Ledger() for _ in range(PARTITIONS)]
    for partition, ledger in enumerate(ledgers):
        ledger.open(epoch)
        yield partition, [announcement(epoch)]
    for number in range(interactions):
        subject = f"call-{number}"
        partition = partition_of(subject.encode(), PARTITIONS)
        for event in call(number, draw, now):
            ledgers[partition].add(subject, event)
        if number % AT_ONCE == AT_ONCE - 1 or number == interactions - 1:
            for partition, ledger in enumerate(ledgers):
                yield partition, ledger.changes()
                ledgers[partition] = Ledger()  # what is written need not be held here
                ledgers[partition].open(epoch)


def write(settings: Settings, interactions: int) -> int:
    """Writes the changelog; its bytes."""
    producer = Producer({"bootstrap.servers": settings.brokers, "linger.ms": 20, "batch.size": 512 << 10})
    size = 0
    for partition, records in changelog(interactions):
        for key, value in records:
            producer.produce(settings.topic(topics.LEDGER), value, key, partition=partition)
            size += len(key) + len(value or b"")
        producer.poll(0)
        producer.flush()
    return size


def ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def usage(pid: int) -> tuple[float, float]:
    """Processor seconds, and the most memory held (MiB), of a process and those under it."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    for more, memory in map(usage, map(int, below)):
        seconds, peak = seconds + more, peak + memory
    return seconds, peak


def recover(settings: Settings, folder: Path, processes: int) -> tuple[float, float, float]:
    """Seconds from the start to readiness, processor seconds, and the most memory held (MiB)."""
    port = free_port()
    own = {"FIRSTLINE_BROKERS": settings.brokers, "FIRSTLINE_GROUP": settings.group}
    command = [firstline(), "worker", "--processes", str(processes), "--metrics-port", str(port)]
    with (folder / "worker.log").open("wb") as log:
        started = time.monotonic()
        worker = subprocess.Popen(command, stderr=log, env={**os.environ, **own})
        try:
            while not all(map(ready, range(port, port + processes))):
                if worker.poll() is not None or time.monotonic() - started > PATIENCE_S:
                    raise RuntimeError(f"the worker is not ready:\n{(folder / 'worker.log').read_text()[-3000:]}")
                time.sleep(0.05)
            return time.monotonic() - started, *usage(worker.pid)
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait(60)


def main(interactions: int = 1_000_000, processes: int = 1) -> None:
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kafka = KafkaServer(folder / "kafka")
        kafka.start()
        try:
            settings = Settings(brokers=kafka.address, group="recovery", topic_prefix="", partitions=PARTITIONS)
            topics.ensure(settings)
            size = write(settings, interactions)
            seconds, busy, peak = recover(settings, folder, processes)
        finally:
            kafka.kill()
    told(
        f"Recovery of {interactions:,} closed calls, {PARTITIONS} partitions, {size / (1 << 20):,.0f} MiB of changelog",
        ("processes", "seconds from start to ready", "processor seconds", "peak memory, MiB"),
        [(str(processes), f"{seconds:,.1f}", f"{busy:,.1f}", f"{peak:,.0f}")],
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
