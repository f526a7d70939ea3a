"""The rollup agent: nothing is published before the log was read to its end, and an assignment begins anew."""

from types import SimpleNamespace
from typing import Any

from agents.partials import Held, Reached, encode_reached
from agents.rollup import RollupReader
from streams.policy import load
from streams.snapshot import Snapshot

NOON = 1_700_000_000_000


def message(*reached: Reached, offset: int, generation: int = 1) -> Any:
    records = [SimpleNamespace(key=key, value=value, headers=headers) for key, value, headers in map(encode_reached, reached)]
    return SimpleNamespace(value=records, offset=offset, generation_id=generation)


def tick(partition: int, number: int, epoch: int = 1) -> Reached:
    return Reached(partition, epoch, number, NOON + number * 500, 0, "default", False, (Held(partition, epoch),))


def test_ticks_of_the_past_are_not_published() -> None:
    snapshots: list[Snapshot] = []
    reader = RollupReader(load(""), 2, snapshots.append)
    reader.take(message(tick(0, 1), tick(1, 1), offset=1), end=4)
    assert snapshots == []
    reader.take(message(tick(0, 2), tick(1, 2), offset=3), end=4)
    assert [(s.tick, s.at, s.complete, s.full) for s in snapshots] == [(2, NOON + 1000, True, True)]
    reader.take(message(tick(0, 3), offset=4), end=9)  # once at the end, it may fall behind for a moment
    reader.take(message(tick(1, 3), offset=5), end=9)
    assert [s.tick for s in snapshots] == [2, 3]


def test_a_new_assignment_reads_anew_and_publishes_the_whole_state() -> None:
    snapshots: list[Snapshot] = []
    reader = RollupReader(load(""), 1, snapshots.append)
    reader.take(message(tick(0, 5), offset=0), end=1)
    reader.take(message(tick(0, 5), offset=0, generation=2), end=2)
    assert len(snapshots) == 1
    reader.take(message(tick(0, 6, epoch=2), offset=1, generation=2), end=2)
    assert [(s.tick, s.full) for s in snapshots] == [(5, True), (6, True)]


def test_records_of_unknown_form_or_partition_are_counted() -> None:
    reader = RollupReader(load(""), 1, lambda _: None)
    strange = SimpleNamespace(key=b"?", value=b"?", headers=[])
    reader.take(SimpleNamespace(value=[strange], offset=0, generation_id=1), end=1)
    reader.take(message(tick(1, 1), offset=1), end=2)
    assert reader.unknown == 2
