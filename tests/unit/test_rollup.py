"""The rollup of two ledger partitions: which ticks are published, and what replaces what."""

from typing import Any

import msgspec
import pytest

from streams import policy as policies
from streams.counters import Counters
from streams.events import StoredVersionError, make
from streams.policy import Policy
from streams.rollup import Rollup
from streams.segment import segment_key
from streams.segments import histogram_edges
from streams.snapshot import CENTRE, RowKey, Snapshot
from streams.turns import turn_of
from streams.view import View
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
        self.view = View(policy, self.held)

    def add(self, subject: str, kind: str, seconds: float, **data: Any) -> None:
        ident = str(len(self.held.sets.get(subject, ())))
        self.held.put(self.view, subject, make(kind, NOON + round(seconds * 1000), ident, "test", **data))

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


def test_the_rows_of_two_partitions_are_summed() -> None:
    rollup, left, right = two()
    left.add("c1", "call.queued", -10, queue="a")
    left.add("c1", "call.answered", -4)
    right.add("c2", "call.queued", -30, queue="a")
    right.add("c2", "call.answered", -20)
    right.add("c3", "call.queued", -15, queue="b")
    left.tick(1)
    right.tick(1)
    snapshot = published(rollup)
    assert (snapshot.tick, snapshot.at, snapshot.complete, snapshot.missing, snapshot.full) == (1, NOON + 1000, True, (), True)
    assert offered(rollup) == {HOUR_OF_CENTRE: 3, of_queue("a"): 2, of_queue("b"): 1}
    kpis = rollup.rows[HOUR_OF_CENTRE]["kpis"]
    assert (kpis["speed_of_answer"]["n"], kpis["speed_of_answer"]["sum"], kpis["speed_of_answer"]["max"]) == (2, 16.0, 10.0)
    assert (kpis["waiting"]["value"], kpis["longest_wait"]["value"], kpis["service_level"]["value"]) == (1, 16.0, 1.0)
    assert kpis["backlog_age"]["max"] == 31.0


def test_a_row_waits_for_all_partitions() -> None:
    rollup, left, right = two()
    left.tick(1)
    assert rollup.ready() is None
    right.tick(1)
    assert published(rollup).tick == 1
    assert rollup.ready() is None


def test_what_a_partition_sends_ahead_waits_for_its_tick() -> None:
    rollup, left, right = two()
    left.add("c1", "call.queued", -1, queue="a")
    left.tick(1)
    left.add("c2", "call.queued", 1, queue="a")
    left.tick(2)
    right.tick(1)
    published(rollup)
    assert offered(rollup)[HOUR_OF_CENTRE] == 1
    right.tick(2)
    published(rollup)
    assert offered(rollup)[HOUR_OF_CENTRE] == 2


def test_rows_go_on_when_the_clock_was_set_back() -> None:
    rollup, left, right = two()
    left.tick(1_000)
    right.tick(1_000)
    assert published(rollup).tick == 1_000
    left.add("c1", "call.queued", -10, queue="a")
    left.tick(1_001)  # the other one has not come so far when the clock goes back
    right.add("c2", "call.queued", -10, queue="a")
    left.tick(1)
    right.tick(1)
    assert published(rollup).tick == 1
    assert offered(rollup) == {HOUR_OF_CENTRE: 2, of_queue("a"): 2}
    left.tick(2)
    right.tick(2)
    assert published(rollup).tick == 2


def test_after_two_more_ticks_a_row_is_published_without_those_that_are_missing() -> None:
    rollup, left, right = two()
    left.add("c1", "call.queued", -1, queue="a")
    right.add("c2", "call.queued", -1, queue="a")
    left.tick(1)
    right.tick(1)
    published(rollup)
    left.add("c3", "call.queued", 1, queue="a")
    left.tick(2)
    left.tick(3)
    assert rollup.ready() is None
    left.tick(4)
    snapshot = published(rollup)
    assert (snapshot.tick, snapshot.complete, snapshot.missing) == (2, False, (1,))
    assert offered(rollup)[HOUR_OF_CENTRE] == 3  # what it last sent is still in
    right.tick(4)
    snapshot = published(rollup)
    assert (snapshot.tick, snapshot.complete, snapshot.missing) == (4, True, ())


def test_what_an_older_epoch_still_sends_is_dropped() -> None:
    rollup = Rollup(POLICY, 1)
    old, new = Partition(rollup, 0, epoch=1), Partition(rollup, 0, epoch=2)
    new.add("c1", "call.queued", -1, queue="a")
    new.tick(1)
    published(rollup)
    for n in range(5):
        old.add(f"x{n}", "call.queued", -1, queue="z")
    old.tick(9)
    assert rollup.ready() is None
    new.tick(2)
    published(rollup)
    assert offered(rollup) == {HOUR_OF_CENTRE: 1, of_queue("a"): 1}


def test_a_new_epochs_full_set_replaces_the_one_before() -> None:
    rollup, left, right = two()
    left.add("c1", "call.queued", -1, queue="a")
    left.add("c2", "call.queued", -1, queue="b")
    right.add("c3", "call.queued", -1, queue="b")
    left.tick(1)
    right.tick(1)
    published(rollup)
    again = Partition(rollup, 0, epoch=2)
    again.add("c4", "call.queued", -1, queue="c")
    again.send(2)
    right.tick(2)
    assert rollup.ready() is None
    again.tick(2)
    snapshot = published(rollup)
    assert offered(rollup) == {HOUR_OF_CENTRE: 2, of_queue("b"): 1, of_queue("c"): 1}
    assert snapshot.changed[of_queue("a")] is None
    assert not snapshot.full


def test_a_partition_that_begins_anew_shows_until_its_first_tick() -> None:
    rollup, left, right = two()
    for partition in (left, right):
        partition.tick(1)
    assert not published(rollup).rebuilding
    again = Partition(rollup, 0, epoch=2)
    again.add("c1", "call.queued", -1, queue="a")
    again.send(2)
    right.tick(4)
    assert published(rollup).rebuilding
    again.tick(4)
    assert not published(rollup).rebuilding


def test_a_tombstone_takes_the_rows_of_a_segment_away() -> None:
    rollup, left, right = two()
    left.add("c1", "call.queued", -1, queue="a")
    left.tick(1)
    right.tick(1)
    published(rollup)
    rollup.put(0, 1, 2, segment_key(("queue",), ("a",)), None)
    rollup.reached(0, 1, 2, NOON + 2000, "v1")
    right.tick(2)
    assert published(rollup).changed[of_queue("a")] is None
    assert set(rollup.rows) == {HOUR_OF_CENTRE}


def test_a_part_of_an_older_form_is_refused_and_counted_and_one_of_a_newer_form_stops_with_the_remedy() -> None:
    rollup = Rollup(POLICY, 1)
    rollup.put(0, 1, 1, segment_key((), ()), msgspec.msgpack.encode((0, "whatever")))
    rollup.reached(0, 1, 1, NOON, "v1")
    published(rollup)
    assert (rollup.refused, rollup.rows) == (1, {})
    rollup.put(0, 1, 2, segment_key((), ()), msgspec.msgpack.encode((2, "whatever")))
    rollup.reached(0, 1, 2, NOON, "v1")
    with pytest.raises(StoredVersionError, match=r"partial row of format 2, but this release reads format 1: .* Run that release on all"):
        rollup.ready()


def test_a_row_is_of_the_instant_of_its_parts_also_if_a_partition_is_already_ahead() -> None:
    rollup, left, right = two()
    left.tick(1)
    right.tick(1)
    published(rollup)
    left.tick(2)
    left.add("c1", "call.queued", 2.5, queue="a")
    left.tick(3)
    right.tick(2)
    snapshot = published(rollup)
    assert (snapshot.tick, snapshot.at, snapshot.complete) == (2, NOON + 2000, True)
    right.tick(3)
    assert published(rollup).at == NOON + 3000


def test_a_null_attribute_is_a_segment_of_its_own() -> None:
    rollup, left, right = two()
    left.add("c1", "call.queued", -1)
    right.add("c2", "call.queued", -1, queue="a")
    left.tick(1)
    right.tick(1)
    published(rollup)
    assert offered(rollup) == {HOUR_OF_CENTRE: 2, of_queue(None): 1, of_queue("a"): 1}


def test_partitions_under_another_policy_make_a_row_incomplete() -> None:
    rollup = Rollup(POLICY, 2)
    Partition(rollup, 0).tick(1)
    Partition(rollup, 1, policy=policies.load('version = "v2"\nalerts = []\nwindows = ["1h"]\n')).tick(1)
    assert published(rollup).complete is False


def test_counters_never_fall() -> None:
    rollup = Rollup(POLICY, 1)
    desk = Partition(rollup, 0)
    seen = []
    for tick, (kind, seconds) in enumerate(
        [("call.queued", 0), ("call.missed", 30), ("call.answered", 31), ("call.transferred", 40), ("call.missed", 60)], 1
    ):
        desk.add("c1", kind, seconds, **({"to_queue": "b"} if kind == "call.transferred" else {"queue": "a"} if tick == 1 else {}))
        desk.tick(tick * 100)
        seen.append(published(rollup).counters[CENTRE])
    assert [counters["missed"] for counters in seen] == [0, 1, 1, 1, 1]  # the answer took the first miss back
    assert [counters["offered"] for counters in seen] == [1, 1, 1, 2, 2]
    assert [counters["answered"] for counters in seen] == [0, 0, 1, 1, 1]
    assert [counters["first_response_breaches"] for counters in seen] == [1, 1, 1, 1, 1]


def test_a_new_epoch_adds_to_the_counters_only_what_lies_above_its_beginning() -> None:
    counters = Counters(POLICY)
    seen = []
    for partition, epoch, total in ((0, 1, 5), (1, 1, 2), (0, 1, 4), (0, 1, 6), (0, 2, 3), (0, 2, 5), (0, 2, 4), (1, 1, 3)):
        counters.put(CENTRE, partition, epoch, {"offered": total})
        seen.append(counters.of(CENTRE)[0]["offered"])
    assert seen == [5, 7, 7, 8, 8, 10, 10, 11]


def test_the_histogram_has_an_edge_on_every_threshold() -> None:
    policy = policies.load(
        '[[targets]]\nmatch = { queue = "a" }\nfirst_response = "25s"\nservice_level = { within = "7s500ms" }\n'
        '[[targets]]\nmatch = { queue = "b" }\nfirst_response = "none"\n'
    )
    edges = histogram_edges(policy)
    assert edges == sorted(set(edges))
    assert {7_500, 20_000, 25_000, 60_000, 14_400_000} <= set(edges)


def test_a_wait_of_exactly_the_threshold_lies_below_its_edge() -> None:
    rollup = Rollup(POLICY, 1)
    desk = Partition(rollup, 0)
    for n, wait in enumerate((0, 20, 20.001, 100_000)):
        desk.add(f"c{n}", "call.queued", 0)
        desk.add(f"c{n}", "call.answered", wait)
    desk.tick(200_000)
    histogram = published(rollup).histogram[CENTRE]
    counts = dict(zip([*histogram["edges"], None], histogram["counts"], strict=True))
    assert {edge: count for edge, count in counts.items() if count} == {1.0: 1, 20.0: 1, 30.0: 1, None: 1}
    assert (histogram["sum"], histogram["count"]) == (100_040.001, 4)


def test_the_last_state_of_a_recording_is_final_and_every_row_is_of_its_end() -> None:
    rollup, left, right = two()
    left.add("c1", "call.queued", -1, queue="a")
    left.add("c1", "call.answered", 0)
    left.add("c1", "call.ended", 0.5)
    right.add("c2", "call.queued", -1, queue="b")
    for tick in (1, 2):
        left.tick(tick)
        right.tick(tick)
        assert not published(rollup).final
    left.tick(60, ended=True)
    right.tick(60, ended=True)
    snapshot = published(rollup)
    assert snapshot.final
    assert set(snapshot.changed) == {HOUR_OF_CENTRE, of_queue("a"), of_queue("b")}
    assert {row["end"] for row in rollup.rows.values()} == {"2026-03-02T12:01:00+01:00"}
    assert rollup.rows[of_queue("b")]["kpis"]["longest_wait"]["value"] == 61.0


def test_one_partition_that_has_not_ended_keeps_the_state_from_being_final() -> None:
    rollup, left, right = two()
    left.tick(1, ended=True)
    right.tick(1)
    assert not published(rollup).final


@pytest.mark.parametrize("again", [1, 3])
def test_a_repeated_part_does_no_harm(again: int) -> None:
    rollup = Rollup(POLICY, 1)
    view = Partition(Rollup(POLICY, 1), 0)
    view.add("c1", "call.queued", -1, queue="a")
    view.view.advance(NOON)
    for key, packed in list(view.view.partials()) * again:
        rollup.put(0, 1, 1, key, packed)
    rollup.reached(0, 1, 1, NOON, "v1")
    published(rollup)
    assert offered(rollup) == {HOUR_OF_CENTRE: 1, of_queue("a"): 1}


def test_a_row_that_nothing_changed_is_made_again_only_in_ticks_that_its_segment_is_told_in() -> None:
    rollup = Rollup(policies.load('version = "v1"\nsegments = [["queue", "priority"]]\nalerts = []\nwindows = ["1h"]\n'), 1)
    only = Partition(rollup, 0, policy=rollup.policy)
    only.add("c1", "call.queued", -5, queue="a", priority="high")
    only.tick(1)
    published(rollup)
    turns, turn = turn_of(("queue", "priority"), segment_key(("queue", "priority"), ("a", "high")))
    assert turns == 2
    made = []
    for tick in range(2, 8):
        rollup.reached(0, 1, tick, NOON + tick * 1000, "v1")
        rows = published(rollup).changed
        made += [tick for key in rows if key.by]
        assert HOUR_OF_CENTRE in rows  # told in every tick, and somebody waits there
    assert made == [tick for tick in range(2, 8) if tick % 2 == turn]
