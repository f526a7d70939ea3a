"""How busy the centre is, and when a scenario strikes."""

from datetime import datetime, timedelta

import pytest

from agents.synthetic.load import NORMAL, ZONE, Strain, demo_scenario, level, office_scenario, to_ms


def at(text: str) -> int:
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=ZONE))


@pytest.mark.parametrize(
    ("channel", "when", "expected"),
    [
        ("call", "2026-03-04T10:15", 1.0),  # a Wednesday's peak
        ("call", "2026-03-02T10:15", 1.15),  # Mondays are busier
        ("call", "2026-03-04T19:45", 0.22),
        ("call", "2026-03-04T20:00", 0.02),  # closed
        ("call", "2026-03-04T03:00", 0.0),
        ("chat", "2026-03-04T20:00", 0.0),
        ("ticket", "2026-03-04T03:00", 0.05),  # mail comes at any hour
        ("ticket", "2026-03-08T12:00", 0.15),
        ("call", "2026-03-07T10:15", 0.25),
        ("call", "2026-03-07T15:00", 0.02),
    ],
)
def test_the_load_follows_day_and_week(channel: str, when: str, expected: float) -> None:
    assert level(channel, at(when)) == pytest.approx(expected)


def failing(scenario_start: str, days: float) -> tuple[str, str]:
    """First and last quarter of an hour in which the product is down."""
    start = datetime.fromisoformat(scenario_start).replace(tzinfo=ZONE)
    end = start + timedelta(days=days)
    scenario = office_scenario("outage", to_ms(start), to_ms(end))
    steps = [start + timedelta(minutes=15 * n) for n in range(int(days * 96))]
    down = [step for step in steps if scenario.strain(to_ms(step)).outage]
    return f"{down[0]:%a %H:%M}", f"{down[-1]:%a %H:%M}"


@pytest.mark.parametrize(
    ("start", "days", "expected"),
    [
        ("2026-03-02T00:00", 1, ("Mon 09:45", "Mon 14:15")),  # 40 % to 60 % are 09:36 to 14:24
        ("2026-03-02T00:00", 2, ("Mon 10:00", "Mon 13:45")),  # not 19:12 to 04:48, when hardly anybody calls
        ("2026-03-06T00:00", 3, ("Fri 10:00", "Fri 13:45")),  # nor on a Saturday
        ("2026-03-02T09:00", 0.0625, ("Mon 09:15", "Mon 10:00")),  # an hour at least
    ],
)
def test_an_outage_falls_in_business_hours(start: str, days: float, expected: tuple[str, str]) -> None:
    assert failing(start, days) == expected


def test_the_monday_rush_is_on_monday_mornings_only() -> None:
    scenario = office_scenario("monday", at("2026-03-02T00:00"), at("2026-03-09T00:00"))
    rush = Strain(arrivals=1.3, handling=1.05)
    assert scenario.strain(at("2026-03-02T08:00")) == rush
    assert scenario.strain(at("2026-03-02T11:59")) == rush
    assert scenario.strain(at("2026-03-02T12:00")) == NORMAL
    assert scenario.strain(at("2026-03-03T09:00")) == NORMAL


def test_the_demos_outages_come_after_a_minute_and_every_twelve_minutes() -> None:
    start = at("2026-03-02T03:00")
    scenario = demo_scenario("outage", start)
    down = [second for second in range(-600, 1800) if scenario.strain(start + second * 1000).outage]
    assert down == [*range(60, 180), *range(780, 900), *range(1500, 1620)]
    assert scenario.strain(start + 200_000).arrivals < 1
    assert scenario.strain(start + 400_000) == NORMAL
