"""The whole centre in motion: agents on their shifts, customers at the doors, records in time order for ever."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from math import pi, sin

from agents.synthetic import calls, chats, tickets
from agents.synthetic.centre import CALL_QUEUES, CHAT_QUEUES, DEMO, OFFICE, TEAMS, TICKET_QUEUES
from agents.synthetic.channel import Stage
from agents.synthetic.desk import Agent, Desk
from agents.synthetic.draws import Draws
from agents.synthetic.kernel import HOUR, MINUTE, Kernel
from agents.synthetic.load import ScenarioName, demo_scenario, is_open, level, local, office_scenario
from agents.synthetic.pen import Pen, Record
from agents.synthetic.roster import hire, work

_WARM_UP = 30 * MINUTE
_DEMO_WARM_UP = 8 * MINUTE


def office(seed: int, name: ScenarioName, start: int, end: int) -> Iterator[Record]:
    """A centre with days, nights and weeks, from `start` on; an outage falls between `start` and `end`."""
    kernel = Kernel(start - _WARM_UP)
    pen = Pen(kernel, start, f"{seed}/{name}/{start}")
    desk = _desk(kernel)
    numbers = count(101)
    short_staffed = name == "monday"
    for team in TEAMS:
        staff = hire(team, numbers)
        desk.hire(agent for agent, _ in staff)
        for number, (agent, shift) in enumerate(staff):
            kernel.start(work(kernel, desk, agent, shift, number, short_staffed=short_staffed and team.channel == "call"))
    scenario = office_scenario(name, start, end)

    def stage(channel: str) -> Stage:
        return Stage(kernel, pen, desk, Draws(seed, channel), scenario, OFFICE, partial(level, channel))

    _open_doors(stage, lambda ms: is_open(local(ms)))
    return _records(kernel, pen)


def demo(seed: int, name: ScenarioName, start: int) -> Iterator[Record]:
    """A centre that is always open and always busy, with short contacts and many of them."""
    kernel = Kernel(start - _DEMO_WARM_UP)
    pen = Pen(kernel, start, f"{seed}/{name}/{start}/demo")
    desk = _desk(kernel)
    numbers = count(101)
    for team in TEAMS:
        staff = [Agent(f"agent-{next(numbers)}", team.name, team.capacity) for _ in range(team.always)]
        desk.hire(staff)
        for agent in staff:
            desk.arrive(agent)
    scenario = demo_scenario(name, start)
    _open_doors(lambda channel: Stage(kernel, pen, desk, Draws(seed, channel), scenario, DEMO, _gentle_waves), lambda _: True)
    return _records(kernel, pen)


def _desk(kernel: Kernel) -> Desk:
    return Desk(kernel, {queue.name: queue.teams for queue in (*CALL_QUEUES, *CHAT_QUEUES, *TICKET_QUEUES)})


def _open_doors(stage: Callable[[str], Stage], open_at: Callable[[int], bool]) -> None:
    calls.begin(stage("call"), open_at)
    chats.begin(stage("chat"))
    tickets.begin(stage("ticket"))


def _gentle_waves(ms: int) -> float:
    """Nearly flat, so that the board is never still and never off target by the hour of the day."""
    return 0.96 + 0.04 * sin(2 * pi * (ms % HOUR) / HOUR * 4)


def _records(kernel: Kernel, pen: Pen) -> Iterator[Record]:
    for _ in kernel.run():
        if pen.records:
            yield from pen.records
            pen.records.clear()
