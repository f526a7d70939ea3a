"""Business time, against a count of single minutes and literal nights of Berlin."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.business_time import BusinessTime
from streams.calendars import Calendar, Holidays
from streams.policy import load

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Kathmandu", "Africa/Casablanca", "UTC")


def ms(local: str, zone: str = "Europe/Berlin") -> int:
    return round(dt.datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def of(hours: str, more: str = "") -> BusinessTime:
    policy = load(f"[calendars.c]\ntime_zone = 'Europe/Berlin'\nhours = {hours}\n{more}")
    return BusinessTime(policy.calendars["c"])


OFFICE = of('{ mon-fri = ["08:00-12:00", "13:00-18:00"], sat = ["09:00-13:00"] }', "closed = [2026-12-24]")


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-11-25T09:00", "2026-11-25T11:30", 2.5),
        ("2026-11-25T11:00", "2026-11-25T14:00", 2),  # noon is no office time
        ("2026-11-25T20:00", "2026-11-26T07:00", 0),
        ("2026-11-27T17:00", "2026-11-30T09:00", 1 + 4 + 1),  # a weekend
        ("2026-12-24T00:00", "2026-12-25T00:00", 0),  # closed, and a Thursday
        ("2026-12-23T17:00", "2026-12-25T09:00", 2),  # the 25th is no holiday without a country
        ("2026-11-25T11:30", "2026-11-25T09:00", 0),
        ("2025-12-31T17:00", "2026-01-02T09:00", 1 + 9 + 1),
    ],
)
def test_the_open_part_of_a_stretch(start: str, end: str, hours: float) -> None:
    assert OFFICE.elapsed(ms(start), ms(end)) == hours * HOUR


def test_a_night_is_23_or_25_hours_long() -> None:
    night, always = of('{ mon-sun = ["00:00-06:00"] }'), of('{ mon-sun = ["00:00-24:00"] }')
    assert night.elapsed(ms("2026-03-29T00:00"), ms("2026-03-29T12:00")) == 5 * HOUR
    assert night.elapsed(ms("2026-10-25T00:00"), ms("2026-10-25T12:00")) == 7 * HOUR
    assert always.elapsed(ms("2026-03-29T00:00"), ms("2026-03-30T00:00")) == 23 * HOUR
    assert always.elapsed(ms("2026-10-25T00:00"), ms("2026-10-26T00:00")) == 25 * HOUR
    # Half past two comes twice, and both times the desk is open until three.
    twice = of('{ sun = ["02:30-03:00"] }')
    assert twice.elapsed(ms("2026-10-25T00:00"), ms("2026-10-26T00:00")) == HOUR
    assert twice.elapsed(ms("2026-03-29T00:00"), ms("2026-03-30T00:00")) == 0


def test_holidays_are_those_of_the_region() -> None:
    berlin, bavaria = (
        of('{ mon-fri = ["08:00-18:00"] }', f'holidays = {{ country = "DE", subdivision = "{name}" }}') for name in ("BE", "BY")
    )
    for day, in_berlin, in_bavaria in (("2027-03-08", 0, 10), ("2027-01-06", 10, 0), ("2027-05-17", 0, 0), ("2027-05-18", 10, 10)):
        start = ms(f"{day}T00:00")
        assert (berlin.elapsed(start, start + DAY), bavaria.elapsed(start, start + DAY)) == (in_berlin * HOUR, in_bavaria * HOUR)


@pytest.mark.parametrize(
    ("start", "amount", "due"),
    [
        ("2026-11-25T09:00", HOUR, "2026-11-25T10:00"),
        ("2026-11-25T11:30", HOUR, "2026-11-25T13:30"),
        ("2026-11-25T11:00", HOUR, "2026-11-25T12:00"),  # the earliest instant: not one o'clock
        ("2026-11-25T20:00", MINUTE, "2026-11-26T08:01"),
        ("2026-11-27T17:59", 2 * MINUTE, "2026-11-28T09:01"),
        ("2026-11-25T08:00", 24 * HOUR, "2026-11-27T15:00"),  # a day is 24 hours of the calendar
        ("2026-12-31T17:00", 2 * HOUR, "2027-01-01T09:00"),
    ],
)
def test_when_so_much_has_passed(start: str, amount: int, due: str) -> None:
    assert OFFICE.after(ms(start), amount) == ms(due)


def test_what_never_opens_is_never_due() -> None:
    never = of("{}")
    assert never.after(ms("2026-11-25T09:00"), 1) is None
    assert never.elapsed(0, ms("2026-11-25T09:00")) == 0
    assert not never.is_open(ms("2026-11-25T09:00"))


def test_open_from_the_first_millisecond_and_not_at_the_last() -> None:
    assert [OFFICE.is_open(ms("2026-11-25T08:00") + by) for by in (-1, 0)] == [False, True]
    assert [OFFICE.is_open(ms("2026-11-25T18:00") + by) for by in (-1, 0)] == [True, False]


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    hours = []
    for _ in range(7):
        edges = sorted(draw(st.sets(st.integers(0, 1440), max_size=6)))
        hours.append(tuple(zip(edges[::2], edges[1::2], strict=False)))
    closed = draw(st.lists(st.dates(dt.date(2026, 3, 20), dt.date(2026, 4, 10)), max_size=3))
    holidays = draw(st.sampled_from((None, Holidays(country="DE"), Holidays(country="US"))))
    return Calendar("c", draw(st.sampled_from(ZONES)), tuple(hours), holidays, tuple(closed))


def open_minutes(calendar: Calendar, start: int, end: int) -> list[int]:
    """The beginnings of the open minutes in a stretch of whole minutes, each looked at by itself."""
    import holidays

    zone = ZoneInfo(calendar.time_zone)
    free = holidays.country_holidays(calendar.holidays.country) if calendar.holidays else {}
    out = []
    for at in range(start, end, MINUTE):
        local = dt.datetime.fromtimestamp(at // 1000, zone)
        minute = local.hour * 60 + local.minute
        spans = calendar.hours[local.weekday()]
        if any(a <= minute < b for a, b in spans) and local.date() not in calendar.closed and local.date() not in free:
            out.append(at)
    return out


@settings(max_examples=60)
@given(
    calendars(),
    st.sampled_from(
        ("2026-03-06T12:00", "2026-03-27T12:00", "2026-04-03T12:00", "2026-10-23T12:00", "2026-10-30T12:00", "2025-12-30T12:00")
    ),
    st.integers(0, 3 * 1440),
    st.integers(0, 2 * 1440),
)
def test_it_is_what_counting_minutes_gives(calendar: Calendar, near: str, offset: int, length: int) -> None:
    start = ms(near, "UTC") + offset * MINUTE
    end = start + length * MINUTE
    counted = open_minutes(calendar, start, end)
    business = BusinessTime(calendar)
    assert business.elapsed(start, end) == len(counted) * MINUTE
    if counted:
        assert business.after(start, len(counted) * MINUTE) == counted[-1] + MINUTE
        assert business.after(start, len(counted) * MINUTE - 1) == counted[-1] + MINUTE - 1
        assert business.is_open(counted[0])
