"""Local calendar periods as half-open spans of integer milliseconds, exact across changes of the clock.

A day runs from local midnight to the next one: 23 or 25 hours where the clock changes. Where midnight itself is skipped the day begins with
its first instant, where it comes twice with the first of the two.
"""

import datetime as dt
from functools import lru_cache
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from streams import durations
from streams.calendars import WEEKDAYS
from streams.errors import FirstlineError
from streams.events import to_ms

Period = Literal["day", "week", "month", "quarter"]
PERIODS: tuple[str, ...] = get_args(Period)

DAY_MS = 86_400_000


class WindowError(FirstlineError):
    """A window that is neither a duration nor a calendar period."""


@lru_cache(maxsize=8192)
def _midnight(day: int, tz: str) -> int:
    """The first instant of a local date, given as a proleptic ordinal."""
    return to_ms(dt.datetime.combine(dt.date.fromordinal(day), dt.time(), ZoneInfo(tz)))


def local_day(ms: int, tz: str) -> int:
    """The ordinal (`date.toordinal`) of the local day that an instant lies in."""
    day = dt.datetime.fromtimestamp(ms // 1000, ZoneInfo(tz)).toordinal()
    while _midnight(day, tz) > ms:
        day -= 1
    while _midnight(day + 1, tz) <= ms:
        day += 1
    return day


def day_start(ms: int, tz: str) -> int:
    """The local midnight at or before an instant."""
    return _midnight(local_day(ms, tz), tz)


def period_start(ms: int, kind: Period, tz: str, week_starts: str = "monday") -> int:
    """The beginning of the period that an instant lies in."""
    return _midnight(_first_day(local_day(ms, tz), kind, week_starts), tz)


def next_period(ms: int, kind: Period, tz: str, week_starts: str = "monday") -> int:
    """The beginning of the period after the one that an instant lies in: the end of that one."""
    first = _first_day(local_day(ms, tz), kind, week_starts)
    beyond = {"day": 1, "week": 7, "month": 31, "quarter": 92}[kind]
    return _midnight(_first_day(first + beyond, kind, week_starts), tz)


def _first_day(day: int, kind: Period, week_starts: str) -> int:
    if kind == "day":
        return day
    date = dt.date.fromordinal(day)
    if kind == "week":
        return day - (date.weekday() - WEEKDAYS.index(week_starts)) % 7
    month = date.month if kind == "month" else (date.month - 1) // 3 * 3 + 1
    return date.replace(month=month, day=1).toordinal()


def windows_between(first_ms: int, end_ms: int, window: str, tz: str, week_starts: str = "monday") -> list[tuple[int, int]]:
    """The tumbling windows that share an instant with [first_ms, end_ms), whole and in order; none if that is empty.

    `window` is "day", "week", "month", "quarter" or a duration. One that divides 24 h is counted from each local midnight and cut off at
    the next, so no window is longer than its name: on a day of 23 h the last of "4h" lasts 3 h, one of 25 h has a last one of 1 h more.
    "24h" is the local day. Any other duration is counted from 1970-01-01T00:00Z. Raises `WindowError`.
    """
    if first_ms >= end_ms:
        return []
    if window in PERIODS:
        return _calendar(first_ms, end_ms, window, tz, week_starts)  # type: ignore[arg-type]
    try:
        length = durations.parse(window)
    except durations.DurationError as exc:
        raise WindowError(f"window: {exc}; or one of {', '.join(PERIODS)}") from None
    if length == DAY_MS:
        return _calendar(first_ms, end_ms, "day", tz, week_starts)
    if DAY_MS % length:
        return [(start, start + length) for start in range(first_ms // length * length, end_ms, length)]
    spans = []
    for midnight, following in _calendar(first_ms, end_ms, "day", tz, week_starts):
        first = max(midnight, first_ms - (first_ms - midnight) % length)
        spans += [(start, min(start + length, following)) for start in range(first, min(following, end_ms), length)]
    return spans


def _calendar(first_ms: int, end_ms: int, kind: Period, tz: str, week_starts: str) -> list[tuple[int, int]]:
    spans = []
    start = period_start(first_ms, kind, tz, week_starts)
    while start < end_ms:
        end = next_period(start, kind, tz, week_starts)
        spans.append((start, end))
        start = end
    return spans


def window_start(ms: int, name: str, tz: str, week_starts: str = "monday") -> int:
    """Where the live window `today` or `week` that holds an instant began; its row ends at the instant."""
    return period_start(ms, "week" if name == "week" else "day", tz, week_starts)


def rfc3339(ms: int, tz: str = "UTC") -> str:
    """An instant as text with the offset of the time zone, decimals only where needed: "1999-01-31T23:58:02.001+02:00"."""
    local = dt.datetime.fromtimestamp(ms // 1000, ZoneInfo(tz)).replace(microsecond=ms % 1000 * 1000)
    return local.isoformat(timespec="milliseconds" if ms % 1000 else "seconds")


def from_rfc3339(text: str) -> int:
    """Milliseconds of a text that `rfc3339` wrote. Raises `ValueError`."""
    return to_ms(dt.datetime.fromisoformat(text))


@lru_cache(maxsize=65536)
def _hour_and_weekday(quarter_hour: int, tz: str) -> tuple[str, str]:
    local = dt.datetime.fromtimestamp(quarter_hour * 900, ZoneInfo(tz))
    return f"{local.hour:02}", WEEKDAYS[local.weekday()][:3]


def local_hour_and_weekday(ms: int, tz: str) -> tuple[str, str]:
    """The local hour ("00" to "23") and weekday ("mon" to "sun") of an instant. (Every zone's offset is a multiple of 15 minutes.)"""
    return _hour_and_weekday(ms // 900_000, tz)
