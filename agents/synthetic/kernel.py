"""The clock of the simulation: processes are generators that yield how long they sleep, or a place where they wait to be woken.

Time is in integer milliseconds since 1970 and never goes back, so whatever processes write is in time order.
"""

from collections.abc import Generator, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Any

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


class Park:
    """A place to wait: `yield Park(until)` returns what `Kernel.wake` brings, or None at the instant `until` (None: waits for ever)."""

    __slots__ = ("done", "process", "until")

    def __init__(self, until: int | None) -> None:
        self.until = until
        self.done = False
        self.process: Process | None = None


Steps = Generator[int | Park, Any, Any]
"""A part of a process; `yield from` it. Yields delays in milliseconds, or places to wait."""
Process = Generator[int | Park, Any, None]


class Kernel:
    """Runs processes in time order; equal instants in the order they were asked for, so that a run repeats exactly."""

    def __init__(self, now: int) -> None:
        self.now = now
        self._order = count()
        self._agenda: list[tuple[int, int, Process, Any, Park | None]] = []

    def start(self, process: Process) -> None:
        """Let a process begin now."""
        heappush(self._agenda, (self.now, next(self._order), process, None, None))

    def wake(self, place: Park, value: object) -> None:
        """Let the process that waits at `place` go on now with `value`."""
        place.done = True
        assert place.process is not None
        heappush(self._agenda, (self.now, next(self._order), place.process, value, None))

    def run(self) -> Iterator[int]:
        """Step after step; yields the instant of each."""
        agenda, order = self._agenda, self._order
        while agenda:
            self.now, _, process, value, place = heappop(agenda)
            if place is not None:
                if place.done:
                    continue
                place.done = True
            try:
                step = process.send(value)
            except StopIteration:
                pass
            else:
                if not isinstance(step, Park):
                    heappush(agenda, (self.now + step, next(order), process, None, None))
                else:
                    step.process = process
                    if step.until is not None:
                        heappush(agenda, (step.until, next(order), process, None, step))
            yield self.now
