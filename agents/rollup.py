"""The rollup agent: reads the `partials` topic from its start at every assignment and publishes the snapshot of each tick."""

import time
from collections.abc import Callable
from typing import Any

import structlog

from agents.partials import PartialRow, decode
from streams.policy import Policy
from streams.rollup import Rollup
from streams.snapshot import Snapshot

HEAVY_S = 0.25
REST = 3
"""After a snapshot that took longer than `HEAVY_S` there is none for so many times as long."""
_log = structlog.get_logger(__name__)


class RollupReader:
    """Feeds the pure rollup. Nothing is published before the log has been read to its end once: rows in between are history."""

    def __init__(self, policy: Policy, partitions: int, on_snapshot: Callable[[Snapshot], None]) -> None:
        self._policy = policy
        self._partitions = partitions
        self._on_snapshot = on_snapshot
        self._generation: int | None = None
        self._caught_up = False
        self._resting_until = 0.0
        self._rollup = Rollup(policy, partitions)
        self.unknown = 0
        """Records that could not be read."""

    def take(self, message: Any, end: int | None) -> None:
        """A message of records; `end` is the offset after the last record in the log, as far as known."""
        if message.generation_id != self._generation:
            self._generation, self._caught_up = message.generation_id, False
            self._rollup = Rollup(self._policy, self._partitions)
        for record in message.value:
            self._put(record)
        if not self._caught_up and end is not None and message.offset + 1 >= end:
            self._caught_up = True
        if self._caught_up and time.monotonic() >= self._resting_until:
            started = time.monotonic()
            snapshot = self._rollup.ready()
            if snapshot is not None:
                self._on_snapshot(snapshot)
                # Events have their share of the time: with very many segments snapshots come less often.
                took = time.monotonic() - started
                if took > HEAVY_S:
                    self._resting_until = started + took + took * REST

    def _put(self, record: Any) -> None:
        known = decode(record.key or b"", record.value, record.headers)
        if known is None or known.lead >= self._partitions:
            self.unknown += 1
        elif isinstance(known, PartialRow):
            self._rollup.put(known.lead, known.epoch, known.tick, known.segment, known.packed)
        else:
            held = {each.partition: each.epoch for each in known.held}
            self._rollup.reached(known.lead, known.epoch, known.tick, known.now_ms, known.policy, ended=known.ended, held=held)
