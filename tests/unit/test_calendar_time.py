from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.calendar_time import WindowError, day_start, from_rfc3339, next_period, period_start, rfc3339, window_start, windows_between

BERLIN = "Europe/Berlin"
HOUR = 3_600_000


def at(text: str) -> int:
    return from_rfc3339(text)


def test_a_day_starts_at_local_midnight() -> None:
    assert rfc3339(day_start(at("2026-11-03T00:30:00.001+01:00"), BERLIN), BERLIN) == "2026-11-03T00:00:00+01:00"
    assert day_start(at("2026-11-03T00:00:00+01:00"), BERLIN) == at("2026-11-02T23:00:00Z")
    assert day_start(at("2026-11-02T23:59:59.999+01:00"), BERLIN) == at("2026-11-01T23:00:00Z")


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)])
def test_a_day_is_as_long_as_the_clock_makes_it(day: str, hours: int) -> None:
    noon = int(datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo(BERLIN)).timestamp()) * 1000
    assert next_period(noon, "day", BERLIN) - day_start(noon, BERLIN) == hours * HOUR


@pytest.mark.parametrize(
    ("kind", "week_starts", "start", "end"),
    [
        ("week", "monday", "2026-10-19T00:00:00+02:00", "2026-10-26T00:00:00+01:00"),
        ("week", "sunday", "2026-10-25T00:00:00+02:00", "2026-11-01T00:00:00+01:00"),
        ("month", "monday", "2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00"),
        ("quarter", "monday", "2026-10-01T00:00:00+02:00", "2027-01-01T00:00:00+01:00"),
    ],
)
def test_periods_hold_an_instant(kind, week_starts: str, start: str, end: str) -> None:
    sunday = at("2026-10-25T12:00:00+01:00")
    assert rfc3339(period_start(sunday, kind, BERLIN, week_starts), BERLIN) == start
    assert rfc3339(next_period(sunday, kind, BERLIN, week_starts), BERLIN) == end


def test_a_day_without_midnight_begins_with_its_first_instant() -> None:
    spring = at("2018-11-04T12:00:00-02:00")  # São Paulo went from 00:00 to 01:00
    assert rfc3339(day_start(spring, "America/Sao_Paulo"), "America/Sao_Paulo") == "2018-11-04T01:00:00-02:00"


def test_a_day_that_was_skipped_gives_no_span() -> None:
    spans = windows_between(at("2011-12-29T12:00:00-10:00"), at("2011-12-31T12:00:00+14:00"), "day", "Pacific/Apia")
    assert [rfc3339(start, "Pacific/Apia") for start, _ in spans] == ["2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00"]


def test_windows_are_half_open() -> None:
    first, end = at("2026-11-03T10:00:00Z"), at("2026-11-03T10:30:00Z")
    assert windows_between(first, end, "15m", BERLIN) == [(first, first + 900_000), (first + 900_000, end)]
    assert len(windows_between(first, end + 1, "15m", BERLIN)) == 3
    assert windows_between(first - 1, end, "15m", BERLIN)[0] == (first - 900_000, first)
    assert windows_between(end, end, "15m", BERLIN) == []


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", [4, 4, 4, 4, 4, 3]), ("2026-10-25", [4, 4, 4, 4, 4, 4, 1]), ("2026-10-26", [4, 4, 4, 4, 4, 4])]
)
def test_divisors_of_a_day_start_again_at_each_midnight(day: str, hours: list[int]) -> None:
    start = int(datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(BERLIN)).timestamp()) * 1000
    spans = windows_between(start, next_period(start, "day", BERLIN), "4h", BERLIN)
    assert [(b - a) // HOUR for a, b in spans] == hours


def test_24h_is_the_local_day() -> None:
    noon = at("2026-10-25T12:00:00+01:00")
    assert windows_between(noon, noon + 1, "24h", BERLIN) == windows_between(noon, noon + 1, "day", BERLIN)


def test_other_durations_count_from_the_epoch() -> None:
    assert windows_between(0, 14 * HOUR, "7h", BERLIN) == [(0, 7 * HOUR), (7 * HOUR, 14 * HOUR)]


def test_a_window_that_is_none_says_what_may_be_written() -> None:
    with pytest.raises(WindowError, match=r'window: "fortnight" is no duration; .*; or one of day, week, month, quarter'):
        windows_between(0, 1, "fortnight", BERLIN)


def test_live_windows_begin_at_local_midnight_or_week() -> None:
    tuesday = at("2026-11-03T10:00:00+01:00")
    assert rfc3339(window_start(tuesday, "today", BERLIN), BERLIN) == "2026-11-03T00:00:00+01:00"
    assert rfc3339(window_start(tuesday, "week", BERLIN, "sunday"), BERLIN) == "2026-11-01T00:00:00+01:00"


def test_an_instant_is_written_with_its_offset() -> None:
    assert rfc3339(at("1999-01-31T21:58:02.001Z"), "Europe/Helsinki") == "1999-01-31T23:58:02.001+02:00"
    assert rfc3339(0) == "1970-01-01T00:00:00+00:00"


@given(
    st.integers(0, 4_000_000_000_000),
    st.sampled_from([1, HOUR, 30 * HOUR, 100 * 24 * HOUR]),
    st.sampled_from(["4h", "90m", "7h", "day", "week", "month", "quarter"]),
    st.sampled_from([BERLIN, "America/Sao_Paulo", "Pacific/Apia", "Australia/Lord_Howe", "America/St_Johns"]),
)
def test_windows_tile_the_time_without_gap_or_overlap(first: int, length: int, window: str, tz: str) -> None:
    spans = windows_between(first, first + length, window, tz)
    assert spans[0][0] <= first < spans[0][1]
    assert spans[-1][0] < first + length <= spans[-1][1]
    assert all(before[1] == after[0] and before[0] < before[1] for before, after in pairwise(spans))
