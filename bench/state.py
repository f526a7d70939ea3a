"""One partition's ledger and view in a process of its own, without Kafka: what a call costs in memory, and what a tick and an event cost.

    python -m bench.state open|closed CALLS

Prints JSON: bytes a call (resident memory), milliseconds of a tick, events a second into a ledger and view that hold them all.
"""

import gc
import itertools
import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence

from bench.peers.workload import make, whole
from bench.processes import memory
from streams.events import Event, decode
from streams.ledger import Ledger
from streams.ledger_records import make_epoch
from streams.policy import DEFAULT
from streams.view import Partition, View

_BATCH = 3000
_BATCHES_A_TICK = 7
"""At 40,000 events a second that is a tick every half second."""
_DENSITY = 20.0
"""Events a second: a centre of half a million calls a day, of which few lie in the last hour, whose bookings windows still hold."""
_AGENT = re.compile(rb'"agent":"[^"]*"')
_WARM = 20_000
"""Calls before memory is measured the first time: by then every segment is there, and what a tick needs for a while has been needed."""
_TICKS = 10
_EVENTS = 60_000

Arrived = tuple[str, Event]


class State:
    """What a worker holds of a partition, and what it does with a batch and at a tick."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.ledger.open(make_epoch(1, bytes(8)))
        self.seen = Partition(self.ledger)
        self.view = View(DEFAULT, {0: self.seen}, 0)
        self.now = 0

    def take(self, batch: Iterable[Arrived]) -> None:
        add, size, touch = self.ledger.add, self.ledger.size, self.seen.touch
        for subject, event in batch:
            touch(subject, size(subject))
            add(subject, event)
            self.now = max(self.now, event.time)
        self.ledger.changes()

    def tick(self, ms: int = 0) -> None:
        self.now += ms
        self.view.advance(self.now)
        for _ in self.view.partials():
            pass
        while self.view.settled:
            self.ledger.rest(self.view.settled.pop()[1])

    def fill(self, arriving: Iterable[Arrived]) -> None:
        for number, batch in enumerate(_batches(arriving), 1):
            self.take(batch)
            if number % _BATCHES_A_TICK == 0:
                self.tick()
        self.tick()


def _batches(of: Iterable[Arrived]) -> Iterator[Sequence[Arrived]]:
    rest = iter(of)
    while batch := list(itertools.islice(rest, _BATCH)):
        yield batch


def _arriving(kind: str, calls: int) -> Iterator[Arrived]:
    """The events of so many calls: all of each, or all but what ends it."""
    for events in whole(calls, density=_DENSITY, answered=kind == "open"):
        for sent in events[:2] if kind == "open" else events:
            yield decode(_one_agent(sent.value))


def _one_agent(line: bytes) -> bytes:
    """One agent has all calls, and one queue: hundreds of segments would have panes that hide what a call takes."""
    return _AGENT.sub(b'"agent":"agent-0000"', line)


def measure(kind: str, calls: int) -> dict[str, float]:
    state, arriving = State(), _arriving(kind, calls + _WARM)
    state.fill(itertools.islice(arriving, _WARM * (2 if kind == "open" else 3)))
    gc.collect()
    held, before = len(state.ledger), memory(os.getpid(), "VmRSS")
    state.fill(arriving)
    gc.collect()
    each = (memory(os.getpid(), "VmRSS") - before) * (1 << 20) / (len(state.ledger) - held)
    gc.freeze()
    again, _ = make(_EVENTS, queues=1, density=_DENSITY, base_ms=state.now, seed=8)
    more = [decode(_one_agent(sent.value.replace(b'"subject":"', b'"subject":"more-'))) for sent in again]
    began = time.perf_counter()
    state.fill(more)
    rate = len(more) / (time.perf_counter() - began)
    began = time.perf_counter()
    for _ in range(_TICKS):
        state.tick(500)
    return {"bytes": each, "tick_ms": (time.perf_counter() - began) / _TICKS * 1000, "rate": rate, "peak": memory(os.getpid())}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
