"""Which rows a report has: the instant it is made for, and its windows as half-open spans of integer milliseconds."""

from difflib import get_close_matches

from streams import durations
from streams.calendar_time import PERIODS, WindowError, period_start, windows_between

ALL = "all"
MOST_WINDOWS = 1_000_000
"""More rows than that are a mistyped window rather than a report."""

Windows = list[tuple[int, int]]


def plan(
    span: tuple[int, int] | None, window: str, start: int | None, at: int | None, *, tz: str, week_starts: str = "monday"
) -> tuple[int | None, Windows]:
    """The instant of the report and the windows of its rows.

    `span` is the first and the last event, None if there is none. Without `at` the instant is the millisecond after the last event, and the
    windows tumble from the first event, or from `start`, to it. With `at` there is one: the `window` before it, or from `start` to it.
    No events and no `at`: no instant and no rows. Raises `WindowError`, also if `start` is not before the instant.
    """
    check_window(window)
    if at is None and span is None:
        return None, []
    end = at if at is not None else span[1] + 1  # type: ignore[index]
    if start is not None and start >= end:
        what = "--at" if at is not None else "the end of the recording"
        raise WindowError(f"--from: not before {what}, so there is nothing between them; give an earlier one")
    if at is not None and (start is not None or window != ALL):
        return end, [(start if start is not None else _rolling_start(at, window, tz, week_starts), end)]
    first = start if start is not None else span[0] if span is not None else end
    if window == ALL:
        return end, [(first, end)] if first < end else []
    length = None if window in PERIODS else durations.parse(window)
    if length and (end - first) // length > MOST_WINDOWS:
        raise WindowError(f"--window: {window} makes {(end - first) // length:,} rows a segment; give a longer one")
    windows = windows_between(first, end, window, tz, week_starts)
    if start is not None:
        windows[0] = (start, windows[0][1])
    return end, windows


def check_window(window: str) -> None:
    """Raises `WindowError` if it is no window."""
    if window == ALL or window in PERIODS:
        return
    try:
        durations.parse(window)
    except durations.DurationError as exc:
        near = get_close_matches(window.lower(), (ALL, *PERIODS), n=1)
        other = f'did you mean "{near[0]}"?' if near else f"or one of {', '.join((ALL, *PERIODS))}"
        raise WindowError(f"--window: {exc}; {other}") from None


def _rolling_start(at: int, window: str, tz: str, week_starts: str) -> int:
    """A calendar window that rolls runs from the start of the period that the millisecond before `at` lies in."""
    if window in PERIODS:
        return period_start(at - 1, window, tz, week_starts)  # type: ignore[arg-type]
    return at - durations.parse(window)
