"""The rows of a report: which `[start, end)` there are (rule 14, decision 0002, 26)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from .policy import Policy, duration

DAY = 86_400_000
CALENDAR = ("day", "week", "month", "quarter")


def parse(text: str) -> int:
    """RFC 3339 to milliseconds, the rest cut off."""
    return int((datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1))


def midnight(day: date, zone: ZoneInfo) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)


def local_day(t: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(t // 1000, zone).date()


def period_start(day: date, window: str, policy: Policy) -> date:
    if window == "week":
        return day - timedelta(days=(day.weekday() - policy.week_starts) % 7)
    if window == "month":
        return day.replace(day=1)
    if window == "quarter":
        return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    return day


def next_period(day: date, window: str) -> date:
    if window == "day":
        return day + timedelta(days=1)
    if window == "week":
        return day + timedelta(days=7)
    months = day.year * 12 + day.month - 1 + (3 if window == "quarter" else 1)
    return date(months // 12, months % 12 + 1, 1)


def containing(t: int, window: str, policy: Policy) -> tuple[int, int]:
    """The tumbling row that contains `t`."""
    zone = ZoneInfo(policy.time_zone)
    if window not in CALENDAR and duration(window) == DAY:
        window = "day"
    if window in CALENDAR:
        day = period_start(local_day(t, zone), window, policy)
        return midnight(day, zone), midnight(next_period(day, window), zone)
    width = duration(window)
    if DAY % width:
        return t // width * width, t // width * width + width
    day = local_day(t, zone)
    first, last = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    start = first + (t - first) // width * width
    return start, min(start + width, last)


def rows(window: str, policy: Policy, first: int, at: int, start: int | None, *, live: bool) -> list[tuple[int, int]]:
    """`live`: the caller gave `at`. `first` is the first event's instant, `start` what --from said."""
    if window == "all":
        return [(first if start is None else start, at)]
    if live:
        if start is None:
            start = containing(at - 1, window, policy)[0] if window in CALENDAR else at - duration(window)
        return [(start, at)]
    found = []
    t = first if start is None else start
    while t < at:
        begin, end = containing(t, window, policy)
        found.append((begin if start is None else max(begin, start), min(end, at)))
        t = end
    return found
