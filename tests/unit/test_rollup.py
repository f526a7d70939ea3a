"""The rollup of two ledger partitions: which ticks are published, and what replaces what."""

from itertools import islice

import msgspec
import pytest

from streams import policy as policies
from streams.events import StoredVersionError
from streams.rollup import Rollup
from streams.segment import segment_key
from streams.turns import turn_of
from tests.unit.ledger_partition import HOUR_OF_CENTRE, NOON, POLICY, Partition, of_queue, offered, published, two


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


def test_an_agent_has_rows_of_the_long_windows_only() -> None:
    policy = policies.load('segments = [["agent"]]\nalerts = []\nwindows = ["5m", "1h", "today"]\n')
    rollup = Rollup(policy, 1)
    desk = Partition(rollup, 0, policy=policy)
    desk.add("c1", "call.queued", -60, queue="a")
    desk.add("c1", "call.answered", -50, agent="ann")
    desk.tick(1)
    published(rollup)
    assert {key.window: row["kpis"]["answered"]["value"] for key, row in rollup.rows.items() if key.by == ("agent",)} == {
        "1h": 1,
        "today": 1,
    }
    assert {key.window for key in rollup.rows if key.by == ()} == {"5m", "1h", "today"}
    desk.tick(300)
    published(rollup)
    assert [tally["answered"] for tally in desk.view.segments.by_key[("agent",), ("ann",)].sums] == [0, 1, 1]  # type: ignore[union-attr]


def test_of_many_agents_some_have_their_rows_in_a_tick_each_as_of_the_instant_of_its_parts_and_no_queue_waits_for_them() -> None:
    policy = policies.load('version = "v1"\nsegments = [["queue"], ["agent"]]\nalerts = []\nwindows = ["1h"]\n')
    rollup = Rollup(policy, 1, agents_a_tick=2)
    desk = Partition(rollup, 0, policy=policy)
    refreshed_later = (name for name in map(str, range(100)) if turn_of(("agent",), segment_key(("agent",), (name,)))[1] > 4)
    for name in islice(refreshed_later, 5):
        desk.add(name, "call.queued", -60, queue=name)
        desk.add(name, "call.answered", -50, agent=name)
        desk.add(name, "call.ended", -20)
    told, ends = [], set()
    for tick in (1, 2, 3, 4):
        desk.tick(tick)
        changed = published(rollup).changed
        told.append(sum(key.by == ("agent",) for key in changed))
        assert tick > 1 or sum(key.by == ("queue",) for key in changed) == 5
        ends |= {row["end"] for key, row in changed.items() if key.by == ("agent",) and row is not None}
    assert (told, ends) == ([2, 2, 1, 0], {"2026-03-02T12:00:01+01:00"})
    desk.tick(60, ended=True)
    last = published(rollup)
    assert (last.final, sum(key.by == ("agent",) for key in last.changed)) == (True, 5)
