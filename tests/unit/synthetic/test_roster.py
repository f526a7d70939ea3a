"""Who is at work when (Berlin time)."""

from datetime import datetime

import pytest

from agents.synthetic.desk import Agent, Desk
from agents.synthetic.kernel import HOUR, Kernel
from agents.synthetic.load import ZONE, to_ms
from agents.synthetic.roster import work

EARLY, LATE, NIGHT = 0, 2, 3


def presence(shift: int, number: int, begin: datetime, hours: int, *, short_staffed: bool = False) -> list[str]:
    """The local times at which an agent comes or goes."""
    kernel = Kernel(to_ms(begin))
    desk = Desk(kernel, {"service": ("red",)})
    agent = Agent("agent-1", "red", 1)
    desk.hire([agent])
    kernel.start(work(kernel, desk, agent, shift, number, short_staffed=short_staffed))
    seen: list[str] = []
    before = False
    for now in kernel.run():
        if now > to_ms(begin) + hours * HOUR:
            break
        if agent.present != before:
            before = agent.present
            local = datetime.fromtimestamp(now / 1000, ZONE)
            seen.append(f"{local:%a %H:%M} {'in' if before else 'out'}")
    return seen


MONDAY = datetime(2026, 3, 2, tzinfo=ZONE)


def test_an_early_shift_has_a_break_in_the_middle() -> None:
    assert presence(EARLY, 2, MONDAY, 24) == ["Mon 07:45 in", "Mon 12:00 out", "Mon 12:30 in", "Mon 16:15 out"]


def test_breaks_are_staggered() -> None:
    assert presence(EARLY, 3, MONDAY, 24) == ["Mon 07:45 in", "Mon 12:25 out", "Mon 12:55 in", "Mon 16:15 out"]


def test_a_simulation_that_begins_in_the_middle_of_a_shift_finds_the_agent_at_work() -> None:
    assert presence(LATE, 2, datetime(2026, 3, 2, 18, 30, tzinfo=ZONE), 4) == ["Mon 18:30 in", "Mon 20:15 out"]


def test_the_night_shift_goes_on_after_midnight() -> None:
    assert presence(NIGHT, 0, datetime(2026, 3, 3, 0, 30, tzinfo=ZONE), 9) == [
        "Tue 00:30 in",
        "Tue 01:10 out",
        "Tue 01:40 in",
        "Tue 08:00 out",
    ]


@pytest.mark.parametrize(("number", "arrival"), [(0, "Mon 12:00 in"), (1, "Mon 07:45 in"), (3, "Mon 12:00 in")])
def test_a_short_staffed_monday_misses_a_third_until_noon(number: int, arrival: str) -> None:
    assert presence(EARLY, number, MONDAY, 24, short_staffed=True)[0] == arrival


def test_nobody_of_the_day_shifts_works_on_sundays() -> None:
    assert presence(EARLY, 2, datetime(2026, 3, 8, tzinfo=ZONE), 24) == []


def test_shifts_keep_their_local_hours_when_the_clocks_change() -> None:
    # Summer time begins in the night to Sunday, 29 March 2026.
    assert presence(EARLY, 2, datetime(2026, 3, 28, tzinfo=ZONE), 72) == [
        "Sat 08:45 in", "Sat 11:30 out", "Sat 12:00 in", "Sat 14:15 out",
        "Mon 07:45 in", "Mon 12:00 out", "Mon 12:30 in", "Mon 16:15 out",
    ]  # fmt: skip
