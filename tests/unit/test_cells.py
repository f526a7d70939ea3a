"""Cells: how bookings enter the windows, and leave them as time goes on."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams import policy as policies
from streams.calendar_time import from_rfc3339
from streams.cells import Cell
from streams.kpis.response import FIRST
from streams.tally import Tally
from streams.windows import Frame

POLICY = policies.load('time_zone = "Europe/Berlin"\nalerts = []\n')
NAMES = ("1m", "5m", "15m", "30m", "1h", "today", "week")
NOON = from_rfc3339("2026-03-04T12:00:00+01:00")
"""A Wednesday."""
EDGES = [10_000, 20_000]


class Sink:
    """A segment with nothing but its sums."""

    def __init__(self) -> None:
        self.sums = [Tally() for _ in NAMES]
        self.totals: dict[str, int] = {}
        self.dirty = False


class Windows:
    """One cell and the segment that it feeds."""

    def __init__(self, left_out: frozenset[str] = frozenset()) -> None:
        self.sink = Sink()
        self.cell = Cell([self.sink], left_out, (True,) * len(NAMES))
        self.frame = Frame(POLICY, NOON)

    def book(self, time: int, n: int = 1, values: tuple[int, ...] = (), sign: int = 1, measure: str = "wait") -> None:
        entries: list[Any] = [(time, ("n",))] * n + [(time, (measure,), value) for value in values]
        (self.cell.fresh if sign > 0 else self.cell.taken).extend(entries)

    def flush(self) -> None:
        self.cell.flush(self.frame, EDGES)

    def roll(self, end: int) -> None:
        after = Frame(POLICY, end)
        self.cell.roll(self.frame, after, [False] * len(NAMES))
        self.frame = after

    def counted(self) -> list[int]:
        return [tally["n"] for tally in self.sink.sums]

    def minute(self) -> tuple[int, int, int | None]:
        dist = self.sink.sums[0].dists["wait"]
        return dist.n, dist.sum, dist.max


def test_a_booking_counts_in_every_window_that_reaches_back_to_it() -> None:
    windows = Windows()
    for minutes in (0.5, 3, 10, 20, 50, 300, 24 * 60, 10 * 24 * 60):
        windows.book(NOON - round(minutes * 60_000))
    windows.flush()
    assert dict(zip(NAMES, windows.counted(), strict=True)) == {"1m": 1, "5m": 2, "15m": 3, "30m": 4, "1h": 5, "today": 6, "week": 7}
    assert windows.sink.totals == {"n": 8}


def test_what_leaves_a_window_is_taken_out_as_time_goes_on() -> None:
    windows = Windows()
    windows.book(NOON - 1000, 3, (4000, 9000))
    windows.flush()
    seen = []
    for later in (0, 58_000, 59_000, 60_000, 298_000, 300_000, 890_000, 900_000, 1_800_000, 3_600_000, 12 * 3_600_000, 5 * 86_400_000):
        windows.roll(NOON + later)
        seen.append(windows.counted())
    everywhere, no_minute, no_five = [3] * 7, [0, 3, 3, 3, 3, 3, 3], [0, 0, 3, 3, 3, 3, 3]
    assert seen == [
        everywhere,
        everywhere,  # it lies in the first second of the minute
        everywhere,
        no_minute,
        no_minute,
        no_five,
        no_five,  # the ten seconds before noon are still in
        [0, 0, 0, 3, 3, 3, 3],
        [0, 0, 0, 0, 3, 3, 3],
        [0, 0, 0, 0, 0, 3, 3],
        [0, 0, 0, 0, 0, 3, 3],  # today still: midnight has just come
        [0, 0, 0, 0, 0, 0, 0],
    ]
    assert not any(windows.sink.sums)
    assert not windows.cell.log
    assert not windows.cell.panes


def test_values_leave_with_their_bookings() -> None:
    windows = Windows()
    windows.book(NOON - 30_000, values=(4000,))
    windows.book(NOON - 5_000, values=(7000, 1000))
    windows.flush()
    assert windows.minute() == (3, 12_000, 7000)
    windows.roll(NOON + 40_000)
    assert windows.minute() == (2, 8000, 7000)


def test_a_late_booking_enters_the_windows_that_still_reach_it_and_can_be_taken_back() -> None:
    windows = Windows()
    windows.roll(NOON + 600_000)
    windows.book(NOON, 2, (5000,))
    windows.flush()
    assert windows.counted() == [0, 0, 2, 2, 2, 2, 2]
    windows.book(NOON, 2, (5000,), sign=-1)
    windows.flush()
    assert windows.counted() == [0] * 7
    assert not any(windows.sink.sums)
    assert not windows.cell.log
    windows.roll(NOON + 7 * 86_400_000)
    assert windows.counted() == [0] * 7


def test_first_responses_run_on_in_a_histogram() -> None:
    windows = Windows()
    windows.book(NOON, 1, (10_000, 10_001, 30_000), measure=FIRST)
    windows.flush()
    windows.book(NOON, 1, (10_001,), sign=-1, measure=FIRST)
    windows.flush()
    assert windows.sink.totals == {"n": 0, "frt.0": 1, "frt.1": 0, "frt.2": 1, "frt.sum": 40_000}


def test_a_measure_is_taken_back_from_those_that_it_was_booked_with() -> None:
    windows = Windows()
    windows.cell.fresh = [(NOON - 1, ("n", "answered")), (NOON - 1, ("wait", FIRST), 5000)]
    windows.flush()
    windows.cell.taken = [(NOON - 1, ("n",)), (NOON - 1, (FIRST,), 5000)]
    windows.flush()
    assert sorted(windows.cell.log, key=len) == [(NOON - 1, ("answered",)), (NOON - 1, ("wait",), 5000)]
    assert windows.sink.sums[0].counts == {"answered": 1}
    assert windows.minute() == (1, 5000, 5000)
    windows.roll(NOON + 7 * 86_400_000)
    assert not any(windows.sink.sums)


def test_counts_that_a_cells_segments_do_not_have_are_left_out() -> None:
    windows = Windows(frozenset({"n"}))
    windows.book(NOON - 1, 1, (5000,))
    windows.flush()
    assert windows.counted() == [0] * 7
    assert windows.minute() == (1, 5000, 5000)


@given(
    st.lists(st.tuples(st.integers(0, 7_200), st.integers(1, 3)), max_size=40),
    st.lists(st.tuples(st.integers(0, 4_000), st.integers(0, 3)), max_size=8),
)
def test_windows_rolled_step_by_step_hold_what_lies_in_them(bookings: list[tuple[int, int]], steps: list[tuple[int, int]]) -> None:
    windows, end = Windows(), NOON
    kept: list[tuple[int, int]] = []
    waiting = [(NOON - seconds * 1000, n) for seconds, n in bookings]
    for step, gone in [(0, 0), *steps]:
        end += step * 1000
        windows.roll(end)
        for time, n in waiting[: len(waiting) // 2 + 1]:  # the others come late
            windows.book(time, n)
            kept.append((time, n))
        del waiting[: len(waiting) // 2 + 1]
        for time, n in kept[:gone]:
            windows.book(time, n, sign=-1)
        del kept[:gone]
        windows.flush()
    begin = {window.name: windows.frame.window_start(window) for window in POLICY.windows}
    assert windows.counted() == [sum(n for time, n in kept if time >= begin[name]) for name in NAMES]
