"""Segments: which there are, and what happens beyond `max_segments`."""

from streams import policy as policies
from streams.events import make
from streams.rollup import Rollup
from streams.segment import segment_key
from streams.turns import is_told, turn_of
from tests.event_sets import EventSets

START = 1_790_000_000_000


def test_segments_beyond_the_limit_are_shown_together_as_other() -> None:
    policy = policies.load('segments = [["queue"]]\nmax_segments = 4\nalerts = []\nwindows = ["1h"]\n')
    held = EventSets()
    view = held.view(policy)
    for n in range(6):
        held.put(f"c{n}", make("call.queued", START + n, "1", "test", queue=f"q{n}"))
    view.advance(START + 1000)
    rollup = Rollup(policy, 1)
    for key, packed in view.partials():
        rollup.put(0, 1, 1, key, packed)
    rollup.reached(0, 1, 1, START + 1000)
    rollup.ready()
    offered = {key.values: row["kpis"]["offered"]["value"] for key, row in rollup.rows.items()}
    assert sum(count for values, count in offered.items() if values) == 6
    assert offered[()] == 6
    assert offered[("other",)] == 3
    assert len(offered) == 5
    assert view.segments_overflowed == 3


def test_no_segment_loses_its_turn_where_ticks_are_left_out() -> None:
    told = [turn for turn in range(8) if is_told(8, turn, 100, 101)]
    assert told == [101 % 8]
    assert [turn for turn in range(8) if is_told(8, turn, 101, 104)] == [0, 6, 7]
    assert all(is_told(8, turn, 104, 112) for turn in range(8))
    assert all(is_told(1, 0, tick, tick + 1) for tick in range(5))


def test_ages_are_told_also_where_the_clock_stands_still_before_a_segment_has_its_turn() -> None:
    policy = policies.load('segments = [["agent"]]\nalerts = []\nwindows = ["1h"]\n')
    held = EventSets()
    view = held.view(policy)
    held.put("c1", make("call.queued", START, "1", "test", queue="q", agent="ann"))
    key = segment_key(("agent",), ("ann",))
    view.advance(START + 600_000)  # all its deadlines have passed: from here on only its age grows
    assert key in dict(view.partials())
    turns, turn = turn_of(("agent",), key)
    tick = 1000 * turns + turn + 1  # another's turn
    view.advance(START + 900_000)
    assert key not in dict(view.partials((tick - 1, tick)))
    assert key in dict(view.partials())
