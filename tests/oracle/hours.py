"""Opening hours, a minute at a time: every minute of a UTC day is looked at by itself, whatever clocks do around it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

import holidays

MINUTE, DAY = 60_000, 86_400_000
NEVER_MS = 20 * 366 * DAY
NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Hours:
    """One `[calendars]` table."""

    def __init__(self, raw: Mapping[str, Any], time_zone: str) -> None:
        self.zone = ZoneInfo(raw.get("time_zone", time_zone))
        self.closed: set[date] = set(raw.get("closed", ()))
        where = raw.get("holidays")
        self.holidays = holidays.country_holidays(where["country"], subdiv=where.get("subdivision")) if where else {}
        self.spans: list[list[tuple[int, int]]] = [[] for _ in NAMES]
        for days, texts in raw["hours"].items():
            first, _, last = days.partition("-")
            for day in range(NAMES.index(first), NAMES.index(last or first) + 1):
                self.spans[day] += [tuple(self._minute(end) for end in text.split("-")) for text in texts]  # type: ignore[misc]
        self.day = cache(self._day)

    @staticmethod
    def _minute(text: str) -> int:
        hour, minute = text.split(":")
        return int(hour) * 60 + int(minute)

    def _open(self, minute: datetime) -> bool:
        local = minute.astimezone(self.zone)
        of_day = local.hour * 60 + local.minute
        inside = any(begin <= of_day < end for begin, end in self.spans[local.weekday()])
        return inside and local.date() not in self.closed and local.date() not in self.holidays

    def _day(self, number: int) -> list[int]:
        """How many minutes are open before each minute of a UTC day, and in all of it."""
        midnight = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=number)
        return [0, *accumulate(int(self._open(midnight + timedelta(minutes=minute))) for minute in range(1440))]

    def _before(self, at: int) -> int:
        """Open milliseconds of an instant's UTC day before it."""
        table = self.day(at // DAY)
        minute, rest = divmod(at % DAY, MINUTE)
        return table[minute] * MINUTE + rest * (table[minute + 1] - table[minute])

    def elapsed(self, start: int, end: int) -> int:
        if end <= start:
            return 0
        days = sum(self.day(number)[-1] for number in range(start // DAY, end // DAY))
        return days * MINUTE + self._before(end) - self._before(start)

    def after(self, start: int, amount: int) -> int | None:
        """The earliest instant at which so much has passed."""
        left, day = amount + self._before(start), start // DAY
        while (total := self.day(day)[-1] * MINUTE) < left:
            left, day = left - total, day + 1
            if day * DAY > start + NEVER_MS:
                return None
        table = self.day(day)
        minute = next(minute for minute in range(1440) if table[minute + 1] * MINUTE >= left)
        return day * DAY + minute * MINUTE + left - table[minute] * MINUTE
