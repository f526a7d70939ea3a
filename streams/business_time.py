"""Business time: how much of a stretch of time a centre was open. Source: KPI contract, rule 35.

A calendar is open at an instant when the local time there lies within a span of its weekday, and the local day is neither a holiday nor
closed. Business time is the real time that passes while it is open, so a span over a change of the clocks is an hour shorter or longer.
"""

import datetime as dt
from bisect import bisect_left, bisect_right
from itertools import accumulate
from zoneinfo import ZoneInfo

from streams.calendars import Calendar, holiday_dates

_DAY = dt.timedelta(days=1)
_MINUTE_MS, _DAY_MS = 60_000, 86_400_000
_LAST_YEAR = 2200
"""Where the search for a deadline ends: nobody waits for it."""


class _Year:
    """The open spans of the days of one local year: beginnings and ends (ms), ascending, and what is open up to each end."""

    def __init__(self, spans: list[tuple[int, int]]) -> None:
        self.starts = [start for start, _ in spans]
        self.ends = [end for _, end in spans]
        self.open_until = list(accumulate(end - start for start, end in spans))
        self.total = self.open_until[-1] if spans else 0

    def passed(self, at: int) -> int:
        """Open time (ms) before an instant."""
        index = bisect_right(self.starts, at) - 1
        return self.open_until[index] - max(0, self.ends[index] - at) if index >= 0 else 0

    def reaches(self, ms: int) -> int:
        """The earliest instant before which so much was open, at most `total` and more than 0."""
        index = bisect_left(self.open_until, ms)
        return self.ends[index] - (self.open_until[index] - ms)


class BusinessTime:
    """The open time of a calendar. All instants and amounts are integer ms."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._zone = ZoneInfo(calendar.time_zone)
        self._years: dict[int, _Year] = {}

    def elapsed(self, start: int, end: int) -> int:
        """How much of [start, end) was open; 0 if that is empty."""
        if end <= start:
            return 0
        first, last = self._year_of(start), self._year_of(end)
        between = sum(self._year(year).total for year in range(first, last))
        return between + self._year(last).passed(end) - self._year(first).passed(start)

    def after(self, start: int, amount: int) -> int | None:
        """The earliest instant at which so much open time has passed since `start`; None if that is never."""
        if amount <= 0:
            return start
        year = self._year_of(start)
        amount += self._year(year).passed(start)
        while amount > self._year(year).total:
            amount -= self._year(year).total
            year += 1
            if year > _LAST_YEAR:
                return None
        return self._year(year).reaches(amount)

    def is_open(self, at: int) -> bool:
        return self.elapsed(at, at + 1) > 0

    def _year_of(self, at: int) -> int:
        return dt.datetime.fromtimestamp(at / 1000, self._zone).year

    def _year(self, year: int) -> _Year:
        found = self._years.get(year)
        if found is None:
            found = self._years[year] = _Year(self._spans(year))
        return found

    def _spans(self, year: int) -> list[tuple[int, int]]:
        calendar = self._calendar
        closed = {*calendar.closed, *(holiday_dates(calendar.holidays, year) if calendar.holidays else ())}
        out: list[tuple[int, int]] = []
        day = dt.date(year, 1, 1)
        while day.year == year:
            hours = calendar.hours[day.weekday()]
            if hours and day not in closed:
                out += self._of_day(day, hours)
            day += _DAY
        return out

    def _of_day(self, day: dt.date, hours: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
        midnight = dt.datetime(day.year, day.month, day.day, tzinfo=self._zone)
        begins, ends = midnight.utcoffset(), (midnight + _DAY).replace(fold=1).utcoffset()
        utc = _utc_ms(day)
        if begins == ends and begins is not None:
            shift = utc - begins // dt.timedelta(milliseconds=1)
            return [(shift + start * _MINUTE_MS, shift + end * _MINUTE_MS) for start, end in hours]
        return self._minute_by_minute(day, hours, utc)

    def _minute_by_minute(self, day: dt.date, hours: tuple[tuple[int, int], ...], utc: int) -> list[tuple[int, int]]:
        """A day on which clocks are changed: some local times do not come, others twice."""
        out: list[tuple[int, int]] = []
        for at in range(utc - _DAY_MS, utc + 2 * _DAY_MS, _MINUTE_MS):
            local = dt.datetime.fromtimestamp(at / 1000, self._zone)
            minute = local.hour * 60 + local.minute
            if local.date() == day and any(start <= minute < end for start, end in hours):
                if out and out[-1][1] == at:
                    out[-1] = (out[-1][0], at + _MINUTE_MS)
                else:
                    out.append((at, at + _MINUTE_MS))
        return out


def _utc_ms(day: dt.date) -> int:
    return (day.toordinal() - dt.date(1970, 1, 1).toordinal()) * _DAY_MS
