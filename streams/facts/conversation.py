"""What chats and tickets share: messages, first and next responses, and the single visit of a conversation without queue events."""

from typing import Any

from streams.facts.interaction import RARE, Facts
from streams.facts.visit import Visit


class Reply:
    """A human reply that answers the customer: when, since when the customer waited, who, and in which visit."""

    def __init__(self, time: int, since: int, agent: str | None, team: str | None, visit: Visit | None) -> None:
        self.time = time
        self.since = since
        self.agent = agent
        self.team = team
        self.visit = visit


class ConversationFacts(Facts):
    """Creation, messages and replies. `initiator` "agent": the clock starts at the first customer message."""

    created: int | None = None
    initiator: str | None = None
    handed_off: int | None = None
    asked: int | None = None
    response: Reply | None = None
    unanswered: int | None = None
    spoke = False
    before_hand_off = False
    unasked = False  # the response came before any customer message

    def __init__(self, wanted: tuple[str, ...] = RARE) -> None:
        super().__init__(wanted)
        self.next_replies: list[Reply] = []

    def on_created(self, time: int, data: Any) -> None:
        if self.created is None:
            self.created = time
        if self.initiator is None and data.initiator is not None:
            self.initiator = data.initiator
            if data.initiator == "agent" and self.asked is not None and self.unasked:  # what an agent wrote before is no reply
                self.response = self.next_replies.pop(0) if self.next_replies else None
                self.unasked = False
                if self.response is None:
                    self.unanswered = None

    def on_handed_off(self, time: int, data: Any) -> None:
        if self.handed_off is None:
            self.handed_off = time
            self.before_hand_off = self.response is not None

    def on_message(self, time: int, data: Any) -> None:
        if data.public is False:
            return
        if data.author == "customer":
            if self.asked is None:
                self.asked = time
                if self.initiator == "agent":  # what an agent wrote before is no reply
                    self.response, self.next_replies = None, []
            if self.response is not None and self.unanswered is None:
                self.unanswered = time
        elif data.author == "agent" and not data.automatic:
            self.spoke = True
            self.on_reply(time, data)

    def on_reply(self, time: int, data: Any) -> None:
        if self.initiator == "agent" and self.asked is None:
            return
        visit = self.visits[-1] if self.visits else None
        if self.response is None or self.before_hand_off:
            self.response = Reply(time, time, data.agent, data.team, visit)
            self.unasked = self.asked is None
            if self.before_hand_off:
                self.next_replies, self.unanswered, self.before_hand_off = [], None, False
        elif self.unanswered is not None:
            self.next_replies.append(Reply(time, self.unanswered, data.agent, data.team, visit))
            self.unanswered = None

    @property
    def clock_start(self) -> int | None:
        """Where the response clock starts: hand-off, creation, or the first customer message of what an agent began."""
        if self.initiator == "agent":
            return self.asked
        return self.handed_off if self.handed_off is not None else self.created

    def single_visit(self, missed: int | None, left: int | None, outcome: str = "abandoned", exit: str = "") -> list[Visit]:
        """The one visit of a conversation without queue events; a reply at any time makes it answered."""
        start = self.clock_start
        if start is None:
            return []
        visit = Visit(start, self.queue)
        reply = self.response
        if reply is not None:
            visit.answered, visit.agent, visit.team = reply.time, reply.agent, reply.team
        visit.left, visit.exit = left, exit
        visit.missed, visit.outcome = missed, outcome
        return [visit]
