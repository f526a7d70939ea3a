"""A ledger partition whose view sends its rows to a rollup, for the tests of what comes out there."""

from typing import Any

from streams import policy as policies
from streams.events import make
from streams.policy import Policy
from streams.rollup import Rollup
from streams.snapshot import RowKey, Snapshot
from tests.event_sets import EventSets

NOON = 1_772_449_200_000
POLICY = policies.load('version = "v1"\nsegments = [["queue"]]\nalerts = []\nwindows = ["1h"]\n')
HOUR_OF_CENTRE = RowKey((), (), "1h")


def of_queue(queue: str | None) -> RowKey:
    return RowKey(("queue",), (queue,), "1h")


class Partition:
    """One ledger partition, whose view sends its rows to a rollup."""

    def __init__(self, rollup: Rollup, number: int, epoch: int = 1, policy: Policy = POLICY) -> None:
        self.rollup, self.number, self.epoch, self.policy = rollup, number, epoch, policy
        self.held = EventSets()
        self.view = self.held.view(policy)

    def add(self, subject: str, kind: str, seconds: float, **data: Any) -> None:
        ident = str(len(self.held.sets.get(subject, ())))
        self.held.put(subject, make(kind, NOON + round(seconds * 1000), ident, "test", **data))

    def send(self, tick: int) -> None:
        """The rows that changed."""
        self.view.advance(NOON + tick * 1000)
        for key, packed in self.view.partials():
            self.rollup.put(self.number, self.epoch, tick, key, packed)

    def tick(self, tick: int, *, ended: bool = False) -> None:
        """The rows that changed, and that this is all."""
        self.send(tick)
        self.rollup.reached(self.number, self.epoch, tick, NOON + tick * 1000, self.policy.version, ended=ended)


def two() -> tuple[Rollup, Partition, Partition]:
    rollup = Rollup(POLICY, 2)
    return rollup, Partition(rollup, 0), Partition(rollup, 1)


def published(rollup: Rollup) -> Snapshot:
    snapshot = rollup.ready()
    assert snapshot is not None
    return snapshot


def offered(rollup: Rollup) -> dict[RowKey, int]:
    return {key: row["kpis"]["offered"]["value"] for key, row in rollup.rows.items()}
