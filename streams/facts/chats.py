"""Facts of a chat: bot and hand-off, queue visits if its platform has them, messages, ends and reopenings."""

from typing import Any

from streams.facts.conversation import ConversationFacts
from streams.facts.interaction import RARE, Visit


class ChatFacts(ConversationFacts):
    """See the rules on chats in docs/decisions/0002."""

    __slots__ = ("accepted", "queued", "spans", "turned_away")
    channel = "chat"

    def __init__(self, wanted: tuple[str, ...] = RARE) -> None:
        super().__init__(wanted)
        self.queued = False
        self.accepted = False
        self.turned_away: tuple[int, str] | None = None
        self.spans: list[tuple[int, int | None]] = []

    def on_started(self, time: int, data: Any) -> None:
        if self.created is None and self.ended is None:
            self.spans.append((time, None))
        self.on_created(time, data)

    def on_chat_queued(self, time: int, data: Any) -> None:
        self.queued = True
        self.on_queued(time, data)

    def on_chat_answered(self, time: int, data: Any) -> None:
        self.accepted = True
        self.on_answered(time, data)

    def on_chat_missed(self, time: int, data: Any) -> None:
        if self.turned_away is None:
            self.turned_away = (time, data.outcome or "abandoned")
        self.on_missed(time, data)

    def on_reply(self, time: int, data: Any) -> None:
        super().on_reply(time, data)
        if not self.legs:
            self.begin_leg(time, self.visits[-1] if self.visits else None, data)
        if self.visits and self.visits[-1].left is None and self.visits[-1].answered is None and not self.accepted:
            visit = self.visits[-1]
            visit.answered, visit.agent, visit.team = time, data.agent, data.team

    def on_ended(self, time: int, data: Any) -> None:
        if self.ended is None:
            self.ended = time
            if self.first_end is None:
                self.first_end = time
            if self.legs:
                self.legs[-1].close(time)
            self.close_open_visit(time)
            if self.spans and self.spans[-1][1] is None:
                self.spans[-1] = (self.spans[-1][0], time)

    def on_reopened(self, time: int, data: Any) -> None:
        if self.ended is not None:
            self.ended = None
            self.reopened_once = True
            self.spans.append((time, None))

    def backlog(self) -> list[tuple[int, int | None]]:
        """Half-open spans in which the chat is open."""
        return self.spans

    def all_visits(self) -> list[Visit]:
        """The visits of its queue events, or the single one."""
        return self.visits if self.queued else self.whole()

    def response_spans(self) -> list[tuple[int, int | None]]:
        """Half-open spans of waiting for the first response, which goes on after an agent accepted the chat without a word."""
        return [(visit.start, visit.waited_until) for visit in self.whole()]

    def whole(self) -> list[Visit]:
        """The chat as one visit, from the start of the response clock to the first human reply."""
        first_end = self.first_end
        missed, outcome = self.turned_away or (None, "abandoned")
        if missed is None or (first_end is not None and first_end < missed):
            missed, outcome = first_end, "abandoned"
        return self.single_visit(missed, None, outcome)

    handlers = {
        "chat.started": on_started,
        "chat.handed_off": ConversationFacts.on_handed_off,
        "chat.queued": on_chat_queued,
        "chat.answered": on_chat_answered,
        "chat.message": ConversationFacts.on_message,
        "chat.missed": on_chat_missed,
        "chat.ended": on_ended,
        "chat.wrapped_up": lambda self, time, data: None,
        "chat.reopened": on_reopened,
    }
