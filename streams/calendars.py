"""Opening hours and holidays of a policy, parsed and checked. `streams.business_time` measures with them."""

import datetime as dt
import re
from collections.abc import Set
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from streams.policy_file import Where, suggestion

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ALWAYS = "always"
"""The calendar every policy has: open at all times."""

_SHORT = tuple(day[:3] for day in WEEKDAYS)
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)", re.ASCII)
_DAYS_HELP = 'write mon, tue, wed, thu, fri, sat, sun or a range such as "mon-fri"'


class Holidays(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Public holidays by ISO 3166 country and, if they differ within it, subdivision."""

    country: str
    subdivision: str | None = None


class Calendar(msgspec.Struct, frozen=True):
    """When a centre is open. `hours[d]`: the spans of weekday d (0 = Monday), half-open, in minutes of the local day."""

    name: str
    time_zone: str
    hours: tuple[tuple[tuple[int, int], ...], ...]
    holidays: Holidays | None = None
    closed: tuple[dt.date, ...] = ()


class _Written(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    time_zone: str | None = None
    hours: dict[str, Any]
    holidays: dict[str, Any] | None = None
    closed: list[dt.date] = []


def time_zone(name: str, where: Where) -> str:
    """The name, if the time zone database knows it."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        known = sorted(available_timezones())
        hint = suggestion(name, known) if known else ""
        where.fail(f'unknown time zone "{name}"; {hint if hint.startswith("did") else "write an IANA name such as Europe/Berlin or UTC"}')
    return name


def read_calendar(name: str, raw: object, default_zone: str, where: Where) -> Calendar:
    """A `[calendars.<name>]` table. Raises `PolicyError`: an unknown day, a bad span, or two spans of one day that overlap."""
    if name == ALWAYS:
        where.fail('"always" is built in and cannot be changed; choose another name')
    written = where.convert(raw, _Written)
    at = where.key("hours")
    spans: list[list[tuple[int, int, str]]] = [[] for _ in WEEKDAYS]
    for days, texts in at.each(written.hours, list[str]).items():
        for index, text in enumerate(texts):
            span = (*_span(text, at.key(days).item(index)), text)
            for day in _days(days, at.key(days)):
                spans[day].append(span)
    for day, of_day in enumerate(spans):
        of_day.sort()
        for before, after in pairwise(of_day):
            if after[0] < before[1]:
                at.fail(f'calendar "{name}": on {WEEKDAYS[day]} {before[2]} and {after[2]} overlap; join them or move one')
    holidays = _holidays(written.holidays, where.key("holidays")) if written.holidays is not None else None
    zone = default_zone if written.time_zone is None else time_zone(written.time_zone, where.key("time_zone"))
    hours = tuple(tuple((start, end) for start, end, _ in of_day) for of_day in spans)
    return Calendar(name, zone, hours, holidays, tuple(sorted(set(written.closed))))


def _holidays(raw: dict[str, Any], where: Where) -> Holidays:
    from holidays import list_supported_countries

    written = where.convert(raw, Holidays)
    known = list_supported_countries(include_aliases=False)
    if written.country not in known:
        where.key("country").fail(f'unknown country "{written.country}"; write its ISO 3166-1 code, two capital letters such as "DE"')
    of_country = known[written.country]
    if written.subdivision is not None and written.subdivision not in of_country:
        choose = f"choose from {', '.join(of_country)}" if of_country else "remove it: the country's holidays are the same everywhere"
        where.key("subdivision").fail(f'{written.country} has no "{written.subdivision}" with holidays of its own; {choose}')
    return written


def holiday_dates(of: Holidays, year: int) -> Set[dt.date]:
    """The public holidays of a year, those that are observed on another day included."""
    from holidays import country_holidays  # a third of a second, which only a policy with holidays has to wait

    return country_holidays(of.country, subdiv=of.subdivision, years=year).keys()


def _days(text: str, where: Where) -> list[int]:
    first, dash, last = text.lower().partition("-")
    ends = [first, last] if dash else [first]
    for end in ends:
        if end not in _SHORT and end not in WEEKDAYS:
            where.fail(f'"{end}" is no weekday; {_DAYS_HELP}')
    begin, until = _SHORT.index(ends[0][:3]), _SHORT.index(ends[-1][:3])
    return [(begin + step) % 7 for step in range((until - begin) % 7 + 1)]


def _span(text: str, where: Where) -> tuple[int, int]:
    match = _SPAN.fullmatch(text)
    if match is None:
        where.fail(f'"{text}" is no span of hours; write "08:00-18:00"')
    h1, m1, h2, m2 = map(int, match.groups())
    start, end = h1 * 60 + m1, h2 * 60 + m2
    if end > 1440:
        where.fail(f'"{text}" ends after midnight; the latest end is 24:00')
    if end <= start:
        where.fail(f'"{text}" ends before it starts; write a night as two spans, "{text[:5]}-24:00" and on the next day "00:00-{text[6:]}"')
    return start, end
