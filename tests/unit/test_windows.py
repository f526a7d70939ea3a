"""Rolling windows: where they begin, and what leaves them as time goes on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import policy as policies
from streams.calendar_time import from_rfc3339
from streams.windows import Delta, Frame, Windows

POLICY = policies.load('time_zone = "Europe/Berlin"\nalerts = []\n')
NAMES = ("1m", "5m", "15m", "30m", "1h", "today", "week")
NOON = from_rfc3339("2026-03-04T12:00:00+01:00")
"""A Wednesday."""
LENGTH_AND_PANE = {"1m": (60, 1), "5m": (300, 1), "15m": (900, 10), "30m": (1800, 10), "1h": (3600, 10), "2h": (7200, 900)}


def starts(end: int, text: str = "") -> dict[str, int]:
    policy = policies.load(f'time_zone = "Europe/Berlin"\nalerts = []\n{text}')
    frame = Frame(policy, end)
    return {window.name: frame.window_start(window) for window in policy.windows}


def test_a_window_that_ends_on_a_pane_has_exactly_its_length() -> None:
    assert {name: (NOON - start) // 1000 for name, start in starts(NOON).items()} == {
        "1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "today": 43_200, "week": 216_000,
    }  # fmt: skip


@given(st.integers(0, 3_600_000))
def test_a_window_begins_at_or_up_to_one_pane_before_its_length(offset: int) -> None:
    end = NOON + offset
    found = starts(end, 'windows = ["1m", "5m", "15m", "30m", "1h", "2h"]\n')
    for name, (length, pane) in LENGTH_AND_PANE.items():
        assert 0 <= end - length * 1000 - found[name] < pane * 1000, name
        assert found[name] % (pane * 1000) == 0


@pytest.mark.parametrize(
    ("end", "today", "week"),
    [
        ("2026-03-04T00:00:00+01:00", "2026-03-03T00:00:00+01:00", "2026-03-02T00:00:00+01:00"),
        ("2026-03-04T00:00:00.001+01:00", "2026-03-04T00:00:00+01:00", "2026-03-02T00:00:00+01:00"),
        ("2026-03-03T23:30:00Z", "2026-03-04T00:00:00+01:00", "2026-03-02T00:00:00+01:00"),
        ("2026-03-29T12:00:00+02:00", "2026-03-29T00:00:00+01:00", "2026-03-23T00:00:00+01:00"),  # the night in which clocks go forward
        ("2026-03-30T12:00:00+02:00", "2026-03-30T00:00:00+02:00", "2026-03-30T00:00:00+02:00"),
    ],
)
def test_today_and_week_begin_at_local_midnight(end: str, today: str, week: str) -> None:
    found = starts(from_rfc3339(end))
    assert (found["today"], found["week"]) == (from_rfc3339(today), from_rfc3339(week))


def test_the_week_begins_on_the_policys_day() -> None:
    assert starts(NOON, 'week_starts = "sunday"\n')["week"] == from_rfc3339("2026-03-01T00:00:00+01:00")


def counted(windows: Windows) -> list[int]:
    return [tally["n"] for tally in windows.sums]


def book(windows: Windows, time: int, n: int = 1, values: tuple[int, ...] = (), sign: int = 1) -> None:
    delta = Delta()
    delta.counts["n"] = n * sign
    delta.values = [("wait", value, sign) for value in values]
    level = windows.frame.level(time)
    if level is not None:
        windows.apply(level, time, delta)


def test_a_booking_counts_in_every_window_that_reaches_back_to_it() -> None:
    windows = Windows(Frame(POLICY, NOON))
    for minutes in (0.5, 3, 10, 20, 50, 300, 24 * 60, 10 * 24 * 60):
        book(windows, NOON - round(minutes * 60_000))
    assert dict(zip(NAMES, counted(windows), strict=True)) == {"1m": 1, "5m": 2, "15m": 3, "30m": 4, "1h": 5, "today": 6, "week": 7}


def test_what_leaves_a_window_is_taken_out_as_time_goes_on() -> None:
    windows = Windows(Frame(POLICY, NOON))
    book(windows, NOON - 1000, 3, (4000, 9000))
    seen = []
    for later in (0, 58_000, 59_000, 60_000, 298_000, 300_000, 890_000, 900_000, 1_800_000, 3_600_000, 12 * 3_600_000, 5 * 86_400_000):
        windows.roll(Frame(POLICY, NOON + later))
        seen.append(counted(windows))
    everywhere, no_minute, no_five = [3] * 7, [0, 3, 3, 3, 3, 3, 3], [0, 0, 3, 3, 3, 3, 3]
    assert seen == [
        everywhere,
        everywhere,  # its pane is the first of the minute
        everywhere,
        no_minute,
        no_minute,
        no_five,
        no_five,  # the pane of 10 s before noon is still in
        [0, 0, 0, 3, 3, 3, 3],
        [0, 0, 0, 0, 3, 3, 3],
        [0, 0, 0, 0, 0, 3, 3],
        [0, 0, 0, 0, 0, 3, 3],  # today still: midnight has just come
        [0, 0, 0, 0, 0, 0, 0],
    ]
    assert windows.empty
    assert not any(windows.sums)


def test_distributions_leave_with_their_panes() -> None:
    windows = Windows(Frame(POLICY, NOON))
    book(windows, NOON - 30_000, values=(4000,))
    book(windows, NOON - 5_000, values=(7000, 1000))
    minute = windows.sums[0].dists["wait"]
    assert (minute.n, minute.sum, minute.max) == (3, 12_000, 7000)
    windows.roll(Frame(POLICY, NOON + 40_000))
    minute = windows.sums[0].dists["wait"]
    assert (minute.n, minute.sum, minute.max) == (2, 8000, 7000)


def test_a_late_booking_enters_the_windows_that_still_reach_it_and_can_be_taken_back() -> None:
    windows = Windows(Frame(POLICY, NOON))
    windows.roll(Frame(POLICY, NOON + 600_000))
    book(windows, NOON, 2, (5000,))
    assert counted(windows) == [0, 0, 2, 2, 2, 2, 2]
    book(windows, NOON, 2, (5000,), sign=-1)
    assert counted(windows) == [0] * 7
    assert not any(windows.sums)


def test_what_is_older_than_every_window_has_no_level() -> None:
    frame = Frame(POLICY, NOON)
    monday = from_rfc3339("2026-03-02T00:00:00+01:00")
    assert [frame.level(time) for time in (NOON - 1, NOON - 600_000, NOON - 7_200_000, monday, monday - 1)] == [0, 1, 2, 2, None]


@given(st.lists(st.tuples(st.integers(0, 7_200), st.integers(1, 3)), max_size=20), st.lists(st.integers(0, 4_000), max_size=6))
def test_windows_rolled_step_by_step_hold_what_lies_in_them(bookings: list[tuple[int, int]], steps: list[int]) -> None:
    windows, end = Windows(Frame(POLICY, NOON)), NOON
    kept = [(NOON - seconds * 1000, n) for seconds, n in bookings]
    for time, n in kept:
        book(windows, time, n)
    for step in steps:
        end += step * 1000
        windows.roll(Frame(POLICY, end))
    begin = starts(end)
    assert counted(windows) == [sum(n for time, n in kept if time >= begin[name]) for name in NAMES]
