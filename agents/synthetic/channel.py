"""What calls, chats and tickets share: strangers turn up at a rate, know what they want and are found an agent."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from agents.synthetic.centre import Queue, Tempo
from agents.synthetic.desk import Desk
from agents.synthetic.draws import Draws
from agents.synthetic.kernel import HOUR, Kernel, Process
from agents.synthetic.load import Scenario
from agents.synthetic.pen import Pen

LOOK_AHEAD = 30_000
"""Rates are held constant for so long (milliseconds); the load curves have steps of half an hour."""
VIP, NORMAL = 0, 1
"""Ranks in line."""


class Stage(NamedTuple):
    """Where a channel plays."""

    kernel: Kernel
    pen: Pen
    desk: Desk
    draws: Draws
    scenario: Scenario
    tempo: Tempo
    level: Callable[[int], float]
    """Arrivals at an instant, as a share of the peak rate."""


def arrivals(stage: Stage, queue: Queue, per_hour: float, contact: Callable[[Queue], Process]) -> Process:
    """Contacts for `queue`, for ever: strangers, so their gaps are memoryless."""
    kernel, draws = stage.kernel, stage.draws
    while True:
        strain = stage.scenario.strain(kernel.now)
        surge = strain.arrivals * (queue.outage if strain.outage else 1.0)
        rate = per_hour * queue.share * stage.level(kernel.now) * surge
        gap = draws.memoryless(HOUR / 1000 / rate) if rate > 0 else LOOK_AHEAD + 1
        # Memoryless gaps may be drawn anew at any instant, so a changed rate shows at once.
        if gap > LOOK_AHEAD:
            yield LOOK_AHEAD
        else:
            yield gap
            kernel.start(contact(queue))


def reason(stage: Stage, queue: Queue) -> str:
    """What it is about."""
    if stage.scenario.strain(stage.kernel.now).outage and stage.draws.chance(0.35 * queue.outage):
        return "outage"
    return stage.draws.pick(queue.reasons)


def moves_to(stage: Stage, queue: Queue, queues: Sequence[Queue]) -> Queue | None:
    """The queue a contact is passed on to, if it is."""
    mark = stage.draws.fraction()
    for name, chance in queue.transfer.items():
        mark -= chance
        if mark < 0:
            return next(each for each in queues if each.name == name)
    return None
