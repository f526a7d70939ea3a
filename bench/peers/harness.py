"""One run of one peer: started on a topic that is full, timed to its last answer, and checked."""

import contextlib
import json
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.kafka import COMPACT, Dataset, Kafka
from bench.peers.job import PARTITIONS
from bench.peers.registry import Peer
from bench.processes import Child, cpu

PATIENCE_S = 240.0


@dataclass
class Result:
    """What a run gave. `seconds` are from the first event that was processed to the last answer that could be read."""

    peer: str
    events: int
    seconds: float = 0.0
    cpu: float = 0.0
    broker_cpu: float = 0.0
    peak: float = 0.0
    error: str = ""
    more: dict[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return self.events / self.seconds if self.seconds else 0.0

    @property
    def cpu_per_million(self) -> float:
        return self.cpu / self.events * 1e6

    @property
    def broker_cpu_per_million(self) -> float:
        return self.broker_cpu / self.events * 1e6


@contextlib.contextmanager
def started(
    kafka: Kafka, peer: Peer, folder: Path, *, topic: str, ends: tuple[int, ...], latency: bool = False
) -> Iterator[tuple[Child, str]]:
    """The process of a peer, and the topic that it writes to. Everything that it made is gone afterwards."""
    ident = f"{peer.name}-{time.time_ns() // 1_000_000}"
    out, state = f"{ident}-out", folder / "state"
    kafka.create(out, 1)
    if peer.changelog:
        kafka.create(f"{ident}-ledger", PARTITIONS, COMPACT)
    state.mkdir(parents=True, exist_ok=True)
    env: Mapping[str, str] = {
        "BROKER": kafka.address, "PEER": ident, "TOPIC": topic, "OUT": out, "ENDS": ",".join(map(str, ends)), "STATE": str(state),
        "LATENCY": "1" if latency else "0",
    }  # fmt: skip
    child = Child(peer.command(), folder / f"{peer.name}.log", env)
    try:
        yield child, out
    finally:
        child.end()
        kafka.delete(ident)
        shutil.rmtree(state, ignore_errors=True)


def run(kafka: Kafka, peer: Peer, data: Dataset, folder: Path) -> Result:
    """Never raises for what the peer does wrong: that is part of the result."""
    result = Result(peer.name, data.events)
    broker_before = cpu(kafka.pid)
    with started(kafka, peer, folder, topic=data.topic, ends=data.ends) as (child, out):
        answers = _answers(kafka, child, out, result)
        if not result.error:
            finished = time.time()
            result.cpu = child.cpu() - min(each["cpu"] for each in answers.values())
            result.seconds = finished - min(each["wall"] for each in answers.values())
            result.peak = child.peak()
            result.broker_cpu = cpu(kafka.pid) - broker_before
            result.error = _difference(answers, data) if peer.answers else ""
    return result


def _answers(kafka: Kafka, child: Child, out: str, result: Result) -> dict[int, dict[str, float]]:
    answers: dict[int, dict[str, float]] = {}
    deadline = time.monotonic() + PATIENCE_S
    consumer = kafka.consumer(out, out, **{"fetch.wait.max.ms": 20})
    try:
        while -1 not in answers and len(answers) < PARTITIONS:
            message = consumer.poll(0.2)
            if message is None:
                if child.ended is not None:
                    result.error = f"ended with {child.ended}: {child.tail()[-500:]}"
                    break
                if time.monotonic() > deadline:
                    result.error = f"no answer within {PATIENCE_S:.0f} s"
                    break
            elif not message.error():
                told = json.loads(message.value())
                answers[told["partition"]] = told
    finally:
        consumer.close()
    return answers


def _difference(answers: Mapping[int, Mapping[str, object]], data: Dataset) -> str:
    found: dict[str, list[int]] = {}
    for told in answers.values():
        totals: dict[str, list[int]] = told["totals"]  # type: ignore[assignment]
        for queue, total in totals.items():
            sums = found.setdefault(queue, [0] * 7)
            sums[:] = [a + b for a, b in zip(sums, total, strict=True)]
    wrong = [queue for queue, total in data.truth.totals.items() if found.get(queue) != total]
    if not wrong and found.keys() == data.truth.totals.keys():
        return ""
    queue = wrong[0] if wrong else (found.keys() - data.truth.totals.keys()).pop()
    return f"wrong answer: {len(wrong)} queues, {queue}: {found.get(queue)} instead of {data.truth.totals.get(queue)}"
