"""A call: menu, queue, ringing, talk, hold, transfer, wrap-up; some give up, some are overlooked, some meet a closed centre."""

from collections.abc import Callable

from agents.synthetic import customers
from agents.synthetic.centre import CALL_QUEUES, Queue
from agents.synthetic.channel import NORMAL, VIP, Stage, arrivals, moves_to, reason
from agents.synthetic.desk import Agent
from agents.synthetic.kernel import SECOND, Process, Steps
from agents.synthetic.pen import Story

_LONGEST_WAIT = 900 * SECOND
"""After so long in one queue the system sends a caller away."""


class Call:
    """One caller's way through the centre."""

    def __init__(self, stage: Stage, is_open: Callable[[int], bool], queue: Queue) -> None:
        self._stage = stage
        self._is_open = is_open
        self._queue = queue
        self._visit = 1
        self._customer = customers.draw(stage.draws)
        self._priority = "vip" if self._customer.vip else "normal"
        self._story: Story

    def run(self) -> Process:
        draws, kernel = self._stage.draws, self._stage.kernel
        story = self._story = self._stage.pen.open("call")
        who = self._customer
        # A known number names the customer at once, else the agent finds out.
        known = draws.chance(0.7)
        story.tell(
            "call.started",
            direction="inbound",
            medium="phone",
            customer=who.id if known else None,
            language=who.language,
            region=who.region,
            customer_segment=who.segment if known else None,
        )
        yield draws.between(0.4 * self._stage.tempo.menu, 1.6 * self._stage.tempo.menu)
        if not self._is_open(kernel.now):
            yield draws.between(6, 12)
            story.tell("call.ended", by="system")
            return
        if draws.chance(0.02):
            story.tell("call.ended", by="customer")
            return
        about = reason(self._stage, self._queue)
        while True:
            agent = yield from self._reach()
            if agent is None:
                return
            story.tell(
                "call.answered",
                agent=agent.name,
                team=agent.team,
                visit=str(self._visit),
                customer=who.id,
                customer_segment=who.segment,
                product=who.product,
            )
            target = yield from self._talk(agent)
            if target is None:
                story.tell("call.ended", by="customer" if draws.chance(0.7) else "agent", visit=str(self._visit))
                kernel.start(self._wrap_up(agent, about))
                return
            kind = "warm" if draws.chance(0.3) else "cold"
            story.tell("call.transferred", agent=agent.name, team=agent.team, visit=str(self._visit), to_queue=target.name, kind=kind)
            kernel.start(self._wrap_up(agent, None))
            self._queue, self._visit = target, self._visit + 1

    def _reach(self) -> Steps:
        """From the queue to an agent; None when the caller is missed."""
        stage, story, draws, kernel = self._stage, self._story, self._stage.draws, self._stage.kernel
        begun = since = kernel.now
        gives_up = begun + (draws.between(0.5, 4.5) if draws.chance(0.03) else draws.memoryless(stage.tempo.patience) + 5 * SECOND)
        moves = begun + int(stage.tempo.overflow * SECOND) if self._queue.overflow else None
        rank = VIP if self._customer.vip else NORMAL
        story.tell("call.queued", queue=self._queue.name, visit=str(self._visit), priority=self._priority)
        while True:
            until = min(gives_up, since + _LONGEST_WAIT, moves or gives_up)
            agent: Agent | None = yield from stage.desk.wait(self._queue.name, rank, since, until)
            if agent is None and moves is not None and moves <= kernel.now < gives_up:
                # Overflow: a new visit to a larger queue, in which the caller keeps the place.
                self._queue, self._visit, moves = next(q for q in CALL_QUEUES if q.name == self._queue.overflow), self._visit + 1, None
                story.tell("call.queued", queue=self._queue.name, visit=str(self._visit))
                continue
            if agent is None:
                self._missed("abandoned" if kernel.now >= gives_up else "timeout")
                return None
            story.tell("call.ringing", agent=agent.name, visit=str(self._visit))
            overlooked = draws.chance(0.02)
            rings = draws.between(12, 15) if overlooked else draws.between(1, 4)
            if kernel.now + rings >= gives_up:
                yield max(0, gives_up - kernel.now)
                self._missed("abandoned")
                stage.desk.release(agent)
                return None
            yield rings
            if not overlooked:
                return agent
            # Nobody picked up: the caller keeps the place in line, the agent is given a rest.
            stage.desk.pause(agent, 45 * SECOND)
            story.tell("call.queued", queue=self._queue.name, visit=str(self._visit))

    def _missed(self, outcome: str) -> None:
        self._story.tell("call.missed", visit=str(self._visit), outcome=outcome)
        self._story.tell("call.ended", by="customer" if outcome == "abandoned" else "system")

    def _talk(self, agent: Agent) -> Steps:
        """Talk and hold; returns the queue to transfer to, if any."""
        stage, draws, story = self._stage, self._stage.draws, self._story
        talk = int(draws.about(stage.tempo.talk) * stage.scenario.strain(stage.kernel.now).handling)
        if draws.chance(0.18):
            part = int(talk * (0.3 + 0.5 * draws.fraction()))
            yield part
            story.tell("call.held", agent=agent.name, visit=str(self._visit))
            yield draws.about(stage.tempo.hold)
            story.tell("call.resumed", agent=agent.name, visit=str(self._visit))
            yield talk - part
        else:
            yield talk
        return moves_to(stage, self._queue, CALL_QUEUES) if self._visit < 4 else None

    def _wrap_up(self, agent: Agent, about: str | None) -> Process:
        """After-contact work; `about` None: it went on to somebody else, whose work closes the call."""
        yield self._stage.draws.about(self._stage.tempo.wrap, 0.4)
        if about is not None:
            self._story.tell("call.wrapped_up", agent=agent.name, team=agent.team, visit=str(self._visit), reason=about)
        self._stage.desk.release(agent)


def begin(stage: Stage, is_open: Callable[[int], bool]) -> None:
    """Let people call."""
    for queue in CALL_QUEUES:
        if queue.share:
            stage.kernel.start(arrivals(stage, queue, stage.tempo.calls, lambda queue: Call(stage, is_open, queue).run()))
