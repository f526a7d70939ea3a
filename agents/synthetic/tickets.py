"""A ticket: opened, taken up, answered, perhaps waiting for its customer, passed on, resolved, reopened, closed, or merged into another."""

from collections import deque

from agents.synthetic import customers
from agents.synthetic.centre import TICKET_QUEUES, Queue
from agents.synthetic.channel import Stage, arrivals, moves_to, reason
from agents.synthetic.desk import Agent
from agents.synthetic.kernel import Process, Steps
from agents.synthetic.pen import Story

_MEDIA = {"email": 7.0, "web": 3.0, "social": 1.0}
_PRIORITIES = {"low": 2.0, "normal": 6.0, "high": 1.5, "urgent": 0.5}
_RANKS = {"urgent": 0, "high": 1, "normal": 2, "low": 2}


class Ticket:
    """One ticket. `recent`: subjects of tickets opened lately, into one of which a double may be merged."""

    def __init__(self, stage: Stage, queue: Queue, recent: deque[str]) -> None:
        self._stage = stage
        self._queue = queue
        self._recent = recent
        self._customer = customers.draw(stage.draws)
        self._priority = "high" if self._customer.vip else stage.draws.pick(_PRIORITIES)
        self._status = "new"
        self._story: Story

    def run(self) -> Process:
        draws, tempo = self._stage.draws, self._stage.tempo
        story = self._story = self._stage.pen.open("ticket")
        who = self._customer
        by_agent = draws.chance(0.03)
        story.tell(
            "ticket.opened",
            initiator="agent" if by_agent else "customer",
            queue=self._queue.name,
            priority=self._priority,
            customer=who.id,
            medium=draws.pick(_MEDIA),
            language=who.language,
            region=who.region,
            customer_segment=who.segment,
        )
        if by_agent:
            # An outbound mail: the customer's answer is what starts the work.
            yield draws.about(tempo.ticket_pause)
        else:
            yield draws.between(0.5, 2)
            self._says("system")
        self._says("customer")
        if self._recent and draws.chance(0.015):
            yield draws.about(tempo.ticket_work)
            story.tell("ticket.merged", into=self._recent[draws.whole(0, len(self._recent) - 1)])
            return
        if story.subject:
            self._recent.append(story.subject)
        about = reason(self._stage, self._queue)
        yield from self._work(about)
        if draws.chance(0.06):
            yield draws.about(tempo.ticket_pause)
            story.tell("ticket.reopened")
            self._status = "open"
            self._says("customer")
            yield from self._work(about)
        yield draws.about(tempo.ticket_closing, 0.1)
        story.tell("ticket.closed")

    def _work(self, about: str) -> Steps:
        """Taken up, until it is resolved."""
        stage, draws, story = self._stage, self._stage.draws, self._story
        while True:
            agent: Agent = yield from stage.desk.wait(self._queue.name, _RANKS[self._priority], stage.kernel.now, None)
            story.tell("ticket.assigned", agent=agent.name, team=agent.team, reason=about, product=self._customer.product)
            self._becomes("open", agent)
            yield int(draws.about(stage.tempo.ticket_work) * stage.scenario.strain(stage.kernel.now).handling)
            if draws.chance(0.05):
                self._reprioritised()
            target = moves_to(stage, self._queue, TICKET_QUEUES)
            if target is not None:
                self._says("agent", agent, public=False)
                story.tell("ticket.escalated", queue=target.name)
                self._queue = target
                stage.desk.release(agent)
                continue
            self._says("agent", agent)
            if draws.chance(0.3):
                self._becomes("on_hold" if draws.chance(0.15) else "pending", agent)
                stage.desk.release(agent)
                yield draws.about(stage.tempo.ticket_pause)
                self._says("customer")
                self._becomes("open", None)
                continue
            story.tell("ticket.resolved", agent=agent.name, team=agent.team)
            stage.desk.release(agent)
            return

    def _says(self, author: str, agent: Agent | None = None, *, public: bool = True) -> None:
        if agent is None:
            self._story.tell("ticket.message", author=author, public=public, automatic=True if author == "system" else None)
        else:
            self._story.tell("ticket.message", author=author, agent=agent.name, team=agent.team, public=public)

    def _becomes(self, status: str, agent: Agent | None) -> None:
        if status != self._status:
            self._status = status
            name, team = (agent.name, agent.team) if agent else (None, None)
            self._story.tell("ticket.status_changed", status=status, agent=name, team=team)

    def _reprioritised(self) -> None:
        higher = {"low": "normal", "normal": "high", "high": "urgent", "urgent": "high"}
        self._priority = higher[self._priority]
        self._story.tell("ticket.priority_changed", priority=self._priority)


def begin(stage: Stage) -> None:
    """Let people write."""
    recent: deque[str] = deque(maxlen=20)
    for queue in TICKET_QUEUES:
        if queue.share:
            stage.kernel.start(arrivals(stage, queue, stage.tempo.tickets, lambda queue: Ticket(stage, queue, recent).run()))
