"""Who is at work when: shifts with a break, fewer people on quiet weekdays and on Saturdays, a pair through the night."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from agents.synthetic.centre import Team
from agents.synthetic.desk import Agent, Desk
from agents.synthetic.kernel import HOUR, MINUTE, Kernel, Process
from agents.synthetic.load import WEEK, ZONE, local, to_ms

_SHIFTS = (
    (7 * 60 + 45, 8.5 * 60),
    (9 * 60, 8.5 * 60),
    (11 * 60 + 30, 8.75 * 60),
    (20 * 60, 12 * 60),
)
"""Begin and length in minutes: early, mid-morning, late, night."""
_NIGHT = 3
_BREAK = 30 * MINUTE
_SATURDAY = (8 * 60 + 45, 5.5 * 60)
_SATURDAY_SHARE = 35
_LATE_START = 12 * 60


def hire(team: Team, numbers: Iterator[int]) -> list[tuple[Agent, int]]:
    """The agents of a team, each with the shift they work."""
    return [
        (Agent(f"agent-{next(numbers)}", team.name, team.capacity), shift) for shift, size in enumerate(team.shifts) for _ in range(size)
    ]


def work(kernel: Kernel, desk: Desk, agent: Agent, shift: int, number: int, *, short_staffed: bool) -> Process:
    """The working life of an agent. `short_staffed`: on Monday mornings a third of the early and mid-morning shifts are missing."""
    # A night shift that began yesterday may still go on.
    day = local(kernel.now).date() - timedelta(days=1)
    while True:
        hours = _hours(day, shift, number, short_staffed=short_staffed)
        day += timedelta(days=1)
        if hours is None:
            continue
        begin, end = hours
        # Breaks are staggered, so that a team is never away as one.
        rest = (begin + end) // 2 + (number % 5 - 2) * 25 * MINUTE
        for instant, step in ((begin, desk.arrive), (rest, desk.leave), (rest + _BREAK, desk.arrive), (end, desk.leave)):
            if instant > kernel.now:
                yield instant - kernel.now
            elif end <= kernel.now:
                break
            step(agent)


def _hours(day: date, shift: int, number: int, *, short_staffed: bool) -> tuple[int, int] | None:
    """Begin and end of the shift on `day`, None on a day off."""
    weekday = day.weekday()
    lot = (number * 37 + day.toordinal() * 11) % 100
    if shift == _NIGHT:
        begin, length = _SHIFTS[_NIGHT]
        if weekday > 4:
            # The weekend's mail is theirs by day and by night.
            begin, length = 8 * 60, 24 * 60
    elif weekday == 6 or (weekday == 5 and lot >= _SATURDAY_SHARE):
        return None
    elif weekday == 5:
        begin, length = _SATURDAY
    elif lot >= 100 * WEEK[weekday] / WEEK[0] + 8:
        return None
    else:
        begin, length = _SHIFTS[shift]
        if short_staffed and weekday == 0 and begin < _LATE_START and number % 3 == 0:
            length -= _LATE_START - begin
            begin = _LATE_START
    start = to_ms(datetime.combine(day, time(int(begin) // 60, int(begin) % 60), ZONE))
    return start, start + int(length / 60 * HOUR)
