"""Facts of a chat: bot and hand-off, queue visits if its platform has them, messages, ends and reopenings."""

from typing import Any

from streams.facts.conversation import ConversationFacts
from streams.facts.interaction import RARE
from streams.facts.visit import SKEW_MS, Early, Visit


class ChatFacts(ConversationFacts):
    """See the rules on chats in docs/decisions/0002."""

    channel = "chat"
    queued = False
    gave_up: int | None = None
    turned_away: tuple[int, str] | None = None
    accepted: tuple[int, str | None, str | None] | None = None
    """Of the first `chat.answered`: when, agent, team."""

    def __init__(self, wanted: tuple[str, ...] = RARE) -> None:
        super().__init__(wanted)
        self.spans: list[tuple[int, int | None]] = []

    def on_started(self, time: int, data: Any) -> None:
        if self.created is None and self.ended is None and not self.spans:
            self.spans.append((time, None))
        self.on_created(time, data)

    def on_chat_queued(self, time: int, data: Any) -> None:
        self.queued = True
        self.on_queued(time, data)

    def on_chat_answered(self, time: int, data: Any) -> None:
        last = self.legs[-1] if self.legs else None
        if (
            last is not None
            and last.by_reply
            and (last.end is None or last.late)
            and not self.reopened_once
            and last.visit is self.latest_visit
        ):
            del self.legs[-1]  # the leg begins here
        if self.accepted is None:
            self.accepted = (time, data.agent, data.team)
        self.on_answered(time, data)

    def on_chat_missed(self, time: int, data: Any) -> None:
        if self.turned_away is None:
            self.turned_away = (time, data.outcome or "abandoned")
        self.on_missed(time, data)

    def on_reply(self, time: int, data: Any) -> None:
        super().on_reply(time, data)
        visit = self.latest_visit
        if self.early and visit is not None:
            self.settle(visit)
        answers = visit is not None and visit.left is None and visit.answered is None
        if answers or not self.legs:
            leg = self.begin_leg(time, visit, data)
            leg.by_reply = True
            if visit is None:
                self.early = [*self.early, Early(time, data.visit, leg, "", data.queue, None)]
        if visit is not None and answers:
            visit.answer(time, data.agent, data.team)
            visit.by_reply = True

    def on_ended(self, time: int, data: Any) -> None:
        if self.ended is None:
            self.ended = time
            if self.first_end is None:
                self.first_end = time
            if self.gave_up is None:
                self.gave_up = time
            if self.legs:
                self.legs[-1].close(time)
            self.close_open_visit(time)
            if self.spans and self.spans[-1][1] is None:
                self.spans[-1] = (self.spans[-1][0], time)

    def on_reopened(self, time: int, data: Any) -> None:
        if self.ended is not None:
            self.ended = None
            if self.legs:
                self.reopened_once = True
            else:  # nobody had answered: the end at which it is handled is yet to come
                self.first_end = None
            self.spans.append((time, None))

    def backlog(self) -> list[tuple[int, int | None]]:
        """Half-open spans in which the chat is open."""
        return self.spans

    def all_visits(self) -> list[Visit]:
        """The visits of its queue events, or the single one. Who was accepted and left without having been written to was not missed."""
        if self.queued:
            return self.visits
        whole = self.whole()
        for visit in whole:
            if self.accepted is not None and visit.answered is None and visit.missed is not None:
                visit.answer(*self.accepted)
        return whole

    def response_spans(self) -> list[tuple[int, int | None]]:
        """Half-open spans of waiting for the first response, one a queue; it goes on after an agent accepted the chat without a word."""
        spans: list[tuple[int, int | None]] = []
        for whole in self.whole():
            begin, end = whole.start, whole.waited_until
            for visit in self.visits:
                if visit.start > begin and (end is None or visit.start < end):
                    spans.append((begin, visit.start))
                    begin = visit.start
            spans.append((begin, end))
        return spans

    def whole(self) -> list[Visit]:
        """The chat as one visit, from the start of the response clock to the first human reply."""
        first_end = self.gave_up
        missed, outcome = self.turned_away or (None, "abandoned")
        if missed is None or (first_end is not None and missed - first_end > SKEW_MS):
            missed, outcome = first_end, "abandoned"
        return self.single_visit(missed, None, outcome)


ChatFacts.handlers = {
    "chat.started": ChatFacts.on_started,
    "chat.handed_off": ConversationFacts.on_handed_off,
    "chat.queued": ChatFacts.on_chat_queued,
    "chat.answered": ChatFacts.on_chat_answered,
    "chat.message": ConversationFacts.on_message,
    "chat.missed": ChatFacts.on_chat_missed,
    "chat.ended": ChatFacts.on_ended,
    "chat.wrapped_up": ChatFacts.on_wrapped_up,
    "chat.reopened": ChatFacts.on_reopened,
}
