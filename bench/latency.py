"""Event to result at 2,000 events a second: peers to their result topic, Firstline to the API; what it costs then, and what idle costs."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.document import TARGETS, table, target, write
from bench.kafka import Kafka
from bench.peers import harness
from bench.peers.install import NotInstalled
from bench.peers.job import PARTITIONS
from bench.peers.registry import PEERS, Peer
from bench.processes import Child, module
from bench.stack import ServerUnavailable, percentile, running

RATE = 2000
PROBES = 20
_START_S = 10.0
_NEVER = (1 << 62,) * PARTITIONS


class Measured(NamedTuple):
    title: str
    latencies: list[float]
    """ms, sorted."""
    cpu: float
    """% of a core."""

    def row(self) -> list[str]:
        many = f"{len(self.latencies):,}"
        return [self.title, many, *(f"{percentile(self.latencies, share):,.0f}" for share in (0.5, 0.99)), f"{self.cpu:.0f}"]


def peer(kafka: Kafka, of: Peer, folder: Path, seconds: int) -> Measured:
    """From the timestamp of a record to its result on the topic; the first five seconds are left out."""
    prefix = f"latency-{of.name}-{time.time_ns()}-"
    kafka.create(prefix + "calls", PARTITIONS)
    latencies: list[float] = []
    with harness.started(kafka, of, folder, topic=prefix + "calls", ends=_NEVER, latency=True) as (child, out):
        consumer = kafka.consumer(out, out, **{"fetch.wait.max.ms": 5})
        time.sleep(_START_S)
        feed = Child(module("bench.feed", kafka.address, prefix, "steady", RATE, seconds), folder / f"{prefix}feed.log")
        began, used, first = 0.0, 0.0, 0.0
        while feed.ended is None and child.ended is None:
            for message in consumer.consume(500, 0.05):
                now = time.time()
                if not first:
                    first, began, used = now, now, child.cpu()
                if not message.error() and now > first + 5:
                    latencies += [now * 1000 - t for t in json.loads(message.value())["t"]]
        cpu = (child.cpu() - used) / (time.time() - began) * 100 if began else 0.0
        feed.end()
        consumer.close()
    kafka.delete(prefix)
    return Measured(of.title, sorted(latencies), cpu)


def report(kafka: Kafka, folder: Path, *, seconds: int, only: Sequence[str] = ()) -> None:
    rows, notes = [], []
    for each in PEERS:
        if not each.answers or (only and each.name not in only):
            continue
        try:
            if why := each.missing():
                raise NotInstalled(why)
            rows.append(peer(kafka, each, folder, seconds).row())
        except NotInstalled as exc:
            notes.append(f"- {each.title} was skipped: {exc}")
    targets = []
    try:
        with running(kafka, folder) as stack:
            worker = stack.workers[0]
            used, board = worker.cpu(), stack.wallboard.cpu()
            time.sleep(seconds)
            idle, idle_board = (worker.cpu() - used) / seconds * 100, (stack.wallboard.cpu() - board) / seconds * 100
            feed = stack.feed(kafka, "steady", RATE, seconds, PROBES)
            while "probe" not in feed.log.read_text() and feed.ended is None:
                time.sleep(0.1)
            used, board, began = worker.cpu(), stack.wallboard.cpu(), time.time()
            feed.process.wait()
            passed = time.time() - began
            busy, busy_board = (worker.cpu() - used) / passed * 100, (stack.wallboard.cpu() - board) / passed * 100
            found = Measured("`firstline worker` and `wallboard`: event → API", stack.latencies(feed), busy)
            rows.append(found.row())
        notes.append(f"- The wallboard took {busy_board:.0f} % of a core with one viewer, {idle_board:.1f} % idle; Redis is not counted.")
        slowest = percentile(found.latencies, 0.99)
        targets = [
            target("event → API, p99 (tick 500 ms)", "≤ 1,500 ms", f"{slowest:,.0f} ms", slowest <= 1500),
            target(f"worker at {RATE:,} events/s", "≤ 25 % of a core", f"{busy:.0f} %", busy <= 25),
            target("worker idle", "≤ 3 % of a core", f"{idle:.1f} %", idle <= 3),
        ]
    except ServerUnavailable as exc:
        notes.append(f"- `firstline worker` and `wallboard` were skipped: {exc}")
    write(
        "Latency",
        f"{RATE:,} events a second for {seconds} s, with times of now. Peers: the record's timestamp → a result that holds it can be read "
        f"from their topic. Firstline: {PROBES} calls a second more, each into the queue that is watched, until the "
        "wallboard's live stream counts it; a row is made every 500 ms, so half of that is waiting.\n\n"
        + table(("", "measured", "p50, ms", "p99, ms", "CPU, % of a core"), rows)
        + "\n\n"
        + "\n".join(notes)
        + ("\n\n" + table(TARGETS, targets) if targets else ""),
    )
