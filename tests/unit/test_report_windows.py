"""Which rows a report has."""

import pytest

from streams.calendar_time import WindowError, from_rfc3339, rfc3339
from streams.report_windows import plan

FIRST, LAST = from_rfc3339("2026-03-02T09:10:00+01:00"), from_rfc3339("2026-03-03T12:00:00+01:00")


def rows(
    window: str = "all", start: str | None = None, at: str | None = None, span: tuple[int, int] | None = (FIRST, LAST)
) -> list[tuple[str, str]]:
    """The windows as local times of Berlin without year and month, and `end` for the instant after the last event."""
    _, windows = plan(span, window, ms(start), ms(at), tz="Europe/Berlin")
    return [(local(start), local(end)) for start, end in windows]


def ms(text: str | None) -> int | None:
    return None if text is None else from_rfc3339(f"2026-03-{text}:00+01:00")


def local(instant: int) -> str:
    if instant == LAST + 1:
        return "end"
    return rfc3339(instant, "Europe/Berlin")[8:16]


def test_without_a_window_the_row_is_the_whole_recording() -> None:
    assert rows() == [("02T09:10", "end")]
    assert rows(start="03T00:00") == [("03T00:00", "end")]
    assert rows(at="02T10:00") == [("02T09:10", "02T10:00")]


def test_windows_tumble_from_that_of_the_first_event_to_that_of_the_last() -> None:
    assert rows("day") == [("02T00:00", "03T00:00"), ("03T00:00", "04T00:00")]
    assert rows("12h") == [("02T00:00", "02T12:00"), ("02T12:00", "03T00:00"), ("03T00:00", "03T12:00"), ("03T12:00", "04T00:00")]
    assert rows("12h", start="02T18:30") == [("02T18:30", "03T00:00"), ("03T00:00", "03T12:00"), ("03T12:00", "04T00:00")]


def test_with_at_there_is_one_window_before_it() -> None:
    assert rows("1h", at="02T10:00") == [("02T09:00", "02T10:00")]
    assert rows("day", at="03T10:00") == [("03T00:00", "03T10:00")]
    # At midnight the day that has just ended: the one of the millisecond before.
    assert rows("day", at="03T00:00") == [("02T00:00", "03T00:00")]
    assert rows("week", at="08T10:00") == [("02T00:00", "08T10:00")]
    assert rows("24h", at="03T10:00") == [("02T10:00", "03T10:00")]
    assert rows(start="02T11:00", at="02T12:30") == rows("15m", start="02T11:00", at="02T12:30") == [("02T11:00", "02T12:30")]


def test_no_events_is_no_rows_but_an_instant_has_its_window() -> None:
    assert plan(None, "day", None, None, tz="UTC") == (None, [])
    assert plan(None, "all", None, 5, tz="UTC") == (5, [])
    assert rows("1h", at="02T10:00", span=None) == [("02T09:00", "02T10:00")]
    assert rows(at="01T10:00") == []


def test_what_makes_no_rows_is_an_error() -> None:
    with pytest.raises(WindowError, match=r"^--from: not before the end of the recording"):
        rows(start="04T00:00")
    with pytest.raises(WindowError, match=r"^--from: not before --at"):
        rows(start="02T00:00", at="02T00:00")
    with pytest.raises(WindowError, match=r"^--window: 1ms makes 96,600,001 rows a segment; give a longer one$"):
        rows("1ms")
