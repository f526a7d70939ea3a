"""Rolling windows: where they begin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import policy as policies
from streams.calendar_time import from_rfc3339
from streams.windows import Frame

POLICY = policies.load('time_zone = "Europe/Berlin"\nalerts = []\n')
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
