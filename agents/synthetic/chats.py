"""A chat: a bot first (mostly), then a person who serves several chats at once; messages to and fro, sometimes a second round."""

from agents.synthetic import customers
from agents.synthetic.centre import CHAT_QUEUES, Queue
from agents.synthetic.channel import NORMAL, VIP, Stage, arrivals, moves_to, reason
from agents.synthetic.desk import Agent
from agents.synthetic.kernel import SECOND, Process, Steps
from agents.synthetic.pen import Story

_MEDIA = {"web": 6.0, "app": 3.0, "messenger": 2.0}


class Chat:
    """One customer's chat."""

    def __init__(self, stage: Stage, queue: Queue) -> None:
        self._stage = stage
        self._queue = queue
        self._visit = 1
        self._customer = customers.draw(stage.draws)
        self._story: Story

    def run(self) -> Process:
        stage, draws, kernel = self._stage, self._stage.draws, self._stage.kernel
        story = self._story = stage.pen.open("chat")
        who = self._customer
        story.tell("chat.started", medium=draws.pick(_MEDIA), language=who.language, region=who.region)
        yield draws.between(0.5, 3)
        if draws.chance(0.7):
            yield from self._bot()
            if draws.chance(0.02):
                yield draws.between(10, 40)
                story.tell("chat.ended", by="customer")
                return
            story.tell("chat.handed_off", customer=who.id, customer_segment=who.segment)
        else:
            self._says("customer")
        about = reason(stage, self._queue)
        while True:
            agent = yield from self._reach()
            if agent is None:
                return
            target = yield from self._converse(agent)
            if target is None:
                break
            self._queue, self._visit = target, self._visit + 1
            kernel.start(self._wrap_up(agent, None))
        story.tell("chat.ended", by="customer" if draws.chance(0.6) else "agent")
        kernel.start(self._wrap_up(agent, about))
        if draws.chance(0.02):
            yield draws.about(stage.tempo.chat_turn * 8)
            yield from self._second_round(agent)

    def _says(self, author: str, agent: Agent | None = None, *, public: bool = True) -> None:
        if agent is None:
            self._story.tell("chat.message", author=author, public=public, automatic=True if author in ("bot", "system") else None)
        else:
            self._story.tell("chat.message", author=author, agent=agent.name, team=agent.team, public=public)

    def _bot(self) -> Steps:
        draws = self._stage.draws
        for _ in range(draws.whole(1, 3)):
            self._says("bot")
            yield draws.about(min(15.0, self._stage.tempo.chat_turn))
            self._says("customer")
            yield draws.between(0.3, 1.2)

    def _reach(self) -> Steps:
        """From the queue to an agent; None when the customer has left."""
        stage, story, kernel = self._stage, self._story, self._stage.kernel
        since = kernel.now
        who = self._customer
        story.tell(
            "chat.queued",
            queue=self._queue.name,
            visit=str(self._visit),
            priority="vip" if who.vip else "normal",
            customer=who.id,
            product=who.product,
        )
        gives_up = since + stage.draws.memoryless(stage.tempo.chat_patience) + 20 * SECOND
        notice = since + 30 * SECOND
        rank = VIP if who.vip else NORMAL
        agent: Agent | None = yield from stage.desk.wait(self._queue.name, rank, since, min(notice, gives_up))
        if agent is None and kernel.now < gives_up:
            self._says("system")
            agent = yield from stage.desk.wait(self._queue.name, rank, since, gives_up)
        if agent is None:
            story.tell("chat.missed", visit=str(self._visit), outcome="abandoned")
            story.tell("chat.ended", by="customer")
        return agent

    def _converse(self, agent: Agent) -> Steps:
        """Messages to and fro; returns the queue to pass the chat on to, if any."""
        stage, draws = self._stage, self._stage.draws
        self._story.tell("chat.answered", agent=agent.name, team=agent.team, visit=str(self._visit))
        yield draws.between(4, 14)
        self._says("agent", agent)
        for _ in range(draws.whole(2, 5)):
            yield draws.about(stage.tempo.chat_turn)
            self._says("customer")
            if draws.chance(0.15):
                yield draws.between(2, 8)
                self._says("customer")
            # Whoever serves several answers each a little later.
            slow = (0.6 + 0.2 * agent.serving) * stage.scenario.strain(stage.kernel.now).handling
            yield int(draws.about(stage.tempo.chat_turn) * slow)
            if draws.chance(0.05):
                self._says("agent", agent, public=False)
                yield draws.between(2, 6)
            self._says("agent", agent)
        yield draws.about(stage.tempo.chat_turn / 2)
        return moves_to(stage, self._queue, CHAT_QUEUES) if self._visit < 3 else None

    def _wrap_up(self, agent: Agent, about: str | None) -> Process:
        """After-contact work; `about` None: it went on to somebody else."""
        yield self._stage.draws.about(self._stage.tempo.wrap, 0.4)
        if about is not None:
            self._story.tell("chat.wrapped_up", agent=agent.name, team=agent.team, reason=about)
        self._stage.desk.release(agent)

    def _second_round(self, agent: Agent) -> Steps:
        """The customer comes back to the same agent, who answers besides the others."""
        turn = self._stage.tempo.chat_turn
        self._story.tell("chat.reopened")
        self._says("customer")
        yield self._stage.draws.about(turn)
        self._says("agent", agent)
        yield self._stage.draws.about(turn)
        self._story.tell("chat.ended", by="customer")


def begin(stage: Stage) -> None:
    """Let people chat."""
    for queue in CHAT_QUEUES:
        if queue.share:
            stage.kernel.start(arrivals(stage, queue, stage.tempo.chats, lambda queue: Chat(stage, queue).run()))
