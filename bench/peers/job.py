"""The job that every peer does, in terms that all Python peers share: its numbers, what it was told by the harness, and the answer.

The events of a call are queued, then answered or missed, then ended. State: interactions by id; per queue and pane of 10 s of event time
what was offered, answered, answered within 20 s, missed, and the sum of waits; per queue what is open. Only the standard library and
msgspec: this module also runs in the environment of the peers.
"""

import json
import os
import resource
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

BASE_S = 1_795_334_400
"""2026-11-22T08:00:00Z: panes are counted from here, so that their numbers are small."""
BASE = datetime.fromtimestamp(BASE_S, UTC)
PANE_MS = 10_000
TARGET_MS = 20_000
PARTITIONS = 4

Totals = dict[str, list[int]]
"""Queue → offered, answered, within, missed, waits (ms), open, and a weighted sum over its panes, by which a wrong pane shows; partitions
add up."""


class Data(msgspec.Struct, gc=False):
    queue: str


class Call(msgspec.Struct, gc=False):
    """What the job needs of an event; msgspec skips the rest without making objects of it."""

    type: str
    time: datetime
    subject: str
    data: Data


@dataclass(frozen=True)
class Task:
    """What the harness tells a peer, through the environment."""

    broker: str
    ident: str
    """Different for each run: consumer group, application, and part of every topic that the peer makes."""
    topic: str
    out: str
    ends: tuple[int, ...]
    """The end of each partition of `topic`: after the event before it the peer writes its totals to `out`."""
    latency: bool
    """Write, instead of totals, the timestamps of the records whose effect is now in the state and its changelog."""
    state: str
    """A folder for state on disk."""


def task() -> Task:
    env = os.environ
    ends = tuple(int(each) for each in env["ENDS"].split(","))
    return Task(env["BROKER"], env["PEER"], env["TOPIC"], env["OUT"], ends, env.get("LATENCY") == "1", env["STATE"])


class Stopwatch:
    """Wall and CPU time at the first event, to be reported with the answer: the start of the process is left out."""

    wall: float | None = None
    cpu = 0.0

    def start(self) -> None:
        if self.wall is None:
            used = resource.getrusage(resource.RUSAGE_SELF)
            self.wall, self.cpu = time.time(), used.ru_utime + used.ru_stime


def totals(panes: Iterable[tuple[tuple[str, int], list[int]]], backlog: Mapping[str, int]) -> Totals:
    """From the panes ((queue, number) and its five sums) and what is open."""
    out: Totals = {}
    for (queue, pane), sums in panes:
        total = out.setdefault(queue, [0] * 7)
        for i, each in enumerate(sums):
            total[i] += each
        total[6] += pane * weight(*sums)
    for queue, n in backlog.items():
        out.setdefault(queue, [0] * 7)[5] += n
    return out


def weight(offered: int, answered: int, within: int, missed: int, wait: int) -> int:
    return offered + 3 * answered + 5 * within + 7 * missed + wait


def answer(partition: int, watch: Stopwatch, found: Totals) -> bytes:
    """The record that a peer writes at the end of a partition, or of all of them (-1)."""
    return json.dumps({"partition": partition, "wall": watch.wall, "cpu": watch.cpu, "totals": found}).encode()


def timestamps(of: Iterable[float]) -> bytes:
    """The record that a peer writes when its latency is measured."""
    return json.dumps({"t": list(of)}).encode()
