"""How busy the centre is at an instant: the day, the week (Berlin time), and what a scenario adds to them."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from agents.synthetic.kernel import HOUR, MINUTE

ZONE = ZoneInfo("Europe/Berlin")
ScenarioName = Literal["calm", "monday", "outage"]

_OFFICE_DAY = (
    0.45, 0.65, 0.85, 0.97, 1.00, 1.00, 0.95, 0.88, 0.75, 0.70, 0.75, 0.82,
    0.90, 0.92, 0.90, 0.85, 0.78, 0.70, 0.60, 0.50, 0.42, 0.35, 0.28, 0.22,
)  # fmt: skip
"""Share of the peak rate per half hour from 08:00 to 20:00."""
OPENS, CLOSES, SATURDAY_CLOSES = 8, 20, 14
WEEK = (1.15, 1.04, 1.0, 0.98, 0.9, 0.25, 0.0)
"""Load of the days, Monday first; Wednesday is 1."""
_MAIL_AT_NIGHT, _MAIL_AT_WEEKENDS = 0.05, 0.15


def local(ms: int) -> datetime:
    """The wall clock of the centre."""
    return datetime.fromtimestamp(ms / 1000, ZONE)


def to_ms(when: datetime) -> int:
    """Milliseconds since 1970, truncated."""
    return (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def is_open(when: datetime) -> bool:
    """Whether calls and chats are taken at this local time."""
    return OPENS <= when.hour < (CLOSES, CLOSES, CLOSES, CLOSES, CLOSES, SATURDAY_CLOSES, 0)[when.weekday()]


def level(channel: str, ms: int) -> float:
    """Arrivals of a channel as a share of its rate at a Wednesday's peak."""
    when = local(ms)
    if is_open(when):
        return WEEK[when.weekday()] * _OFFICE_DAY[(when.hour - OPENS) * 2 + when.minute // 30]
    if channel == "ticket":
        return _MAIL_AT_WEEKENDS if when.weekday() > 4 and OPENS <= when.hour < CLOSES else _MAIL_AT_NIGHT
    # People also call a closed centre.
    return 0.02 if channel == "call" and when.hour >= 6 else 0.0


@dataclass(frozen=True, slots=True)
class Strain:
    """What a scenario does to an instant: factors on arrivals and on handling times; `outage` is on when the product is down."""

    arrivals: float = 1.0
    handling: float = 1.0
    outage: bool = False


NORMAL = Strain()


class Scenario(Protocol):
    """The course of events."""

    def strain(self, ms: int) -> Strain: ...


class Calm:
    """Nothing special: targets are met."""

    def strain(self, ms: int) -> Strain:
        return NORMAL


class Monday:
    """Every Monday morning more people call than were planned for."""

    _RUSH = Strain(arrivals=1.3, handling=1.05)

    def strain(self, ms: int) -> Strain:
        when = local(ms)
        return self._RUSH if when.weekday() == 0 and OPENS <= when.hour < 12 else NORMAL


class Rush:
    """The Monday of a centre that never closes: too few people all the time."""

    _RUSH = Strain(arrivals=1.5)

    def strain(self, ms: int) -> Strain:
        return self._RUSH


class Outage:
    """The product is down from `begin` to `end`."""

    _DOWN = Strain(arrivals=1.9, handling=1.35, outage=True)

    def __init__(self, begin: int, end: int) -> None:
        self._begin, self._end = begin, end

    def strain(self, ms: int) -> Strain:
        return self._DOWN if self._begin <= ms < self._end else NORMAL


class Outages:
    """Short outages again and again, each with a quiet time after it: the first a minute after `start`, then every twelve minutes.

    A rolling 5-minute mean passes a target of 20 s about when an outage ends and falls below it some 6 minutes after that, and an alert
    stays on a little longer: with less than twelve minutes a watcher would hardly see it go off.
    """

    _FIRST, _EVERY, _DOWN_FOR, _QUIET_FOR = MINUTE, 12 * MINUTE, 2 * MINUTE, 2 * MINUTE
    _DOWN = Strain(arrivals=2.6, handling=1.6, outage=True)
    # Everybody has heard of it and knows that it is over: fewer contacts, shorter ones.
    _QUIET = Strain(arrivals=0.4, handling=0.65)

    def __init__(self, start: int) -> None:
        self._start = start + self._FIRST

    def strain(self, ms: int) -> Strain:
        if ms < self._start:
            return NORMAL
        phase = (ms - self._start) % self._EVERY
        if phase < self._DOWN_FOR:
            return self._DOWN
        return self._QUIET if phase < self._DOWN_FOR + self._QUIET_FOR else NORMAL


def office_scenario(name: ScenarioName, start: int, end: int) -> Scenario:
    """The course of a recording from `start` to `end`."""
    if name == "outage":
        return outage_of(start, end)
    return Monday() if name == "monday" else Calm()


def demo_scenario(name: ScenarioName, start: int) -> Scenario:
    """The course of an endless demo that begins at `start`."""
    if name == "outage":
        return Outages(start)
    return Rush() if name == "monday" else Calm()


def outage_of(start: int, end: int) -> Outage:
    """An outage from 40 % to 60 % of a recording, of an hour at least, moved into business hours when it would pass unnoticed."""
    begin, finish = start + (end - start) * 2 // 5, start + (end - start) * 3 // 5
    if finish - begin < HOUR:
        begin = (begin + finish - HOUR) // 2
        finish = begin + HOUR
    if _busy_time(begin, finish) >= HOUR:
        return Outage(begin, finish)
    middle = (start + end) // 2
    noon = time(12)
    days = [datetime.combine((local(start) + timedelta(days=n)).date(), noon, ZONE) for n in range((end - start) // (24 * HOUR) + 2)]
    working = [to_ms(day) for day in days if day.weekday() < 5 and start <= to_ms(day) - 2 * HOUR and to_ms(day) + 2 * HOUR <= end]
    if working:
        nearest = min(working, key=lambda ms: abs(ms - middle))
        return Outage(nearest - 2 * HOUR, nearest + 2 * HOUR)
    return Outage(begin, finish)


def _busy_time(begin: int, end: int) -> int:
    step = 15 * MINUTE
    return sum(step for ms in range(begin, end, step) if local(ms).weekday() < 5 and OPENS <= local(ms).hour < 18)
