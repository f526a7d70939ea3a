"""Facts of a ticket: opened, resolved and reopened steps, merged or deleted, and its conversation."""

from typing import Any, NamedTuple

from streams.facts.conversation import ConversationFacts
from streams.facts.interaction import RARE
from streams.facts.visit import Visit


class Step(NamedTuple):
    """A step to resolved, and who made it. `replied`: a person had replied by then."""

    time: int
    agent: str | None
    team: str | None
    replied: bool


class TicketFacts(ConversationFacts):
    """See the rules on tickets in docs/decisions/0002."""

    channel = "ticket"
    state = ""
    opened: int | None = None
    final = ""
    final_at: int | None = None
    contradicts = False

    def __init__(self, wanted: tuple[str, ...] = RARE) -> None:
        super().__init__(wanted)
        self.resolved: list[Step] = []
        self.reopened: list[int] = []
        self.spans: list[tuple[int, int | None]] = []
        self.waited = 0
        """How long (ms) the requester has waited in all: opened or reopened, and not pending on them (rule 36)."""
        self._waits_since: int | None = None

    def on_opened(self, time: int, data: Any) -> None:
        if self.created is None:
            self.opened = time
            if self.resolved or self.final:
                self.contradicts = True
            else:
                self._open(time)
        self.on_created(time, data)

    def on_resolved(self, time: int, data: Any) -> None:
        if self.final or self.state == "resolved":
            return
        self.state = "resolved"
        self.resolved.append(Step(time, data.agent, data.team, self.spoke))
        self._close(time)

    def on_reply(self, time: int, data: Any) -> None:
        super().on_reply(time, data)
        if self.resolved and self.resolved[0].time == time and not self.resolved[0].replied:
            self.resolved[0] = self.resolved[0]._replace(replied=True)

    def on_reopened(self, time: int, data: Any) -> None:
        if self.state == "resolved" and not self.final:
            self.reopened.append(time)
            self._open(time)

    def on_status(self, time: int, data: Any) -> None:
        if self.state != "open" or self.final:
            return
        if data.status == "pending":
            self._stop_waiting(time)
        elif self._waits_since is None:
            self._waits_since = time

    def on_merged(self, time: int, data: Any) -> None:
        self._finish(time, "merged")

    def on_deleted(self, time: int, data: Any) -> None:
        self._finish(time, "deleted")

    def _finish(self, time: int, kind: str) -> None:
        if not self.final:
            self.final, self.final_at = kind, time
            self._close(time)

    def _open(self, time: int) -> None:
        self.state, self._waits_since = "open", time
        self.spans.append((time, None))

    def _stop_waiting(self, time: int) -> None:
        if self._waits_since is not None:
            self.waited += time - self._waits_since
            self._waits_since = None

    def _close(self, time: int) -> None:
        self._stop_waiting(time)
        if self.spans and self.spans[-1][1] is None:
            self.spans[-1] = (self.spans[-1][0], time)

    def response_spans(self) -> list[tuple[int, int | None]]:
        """Half-open spans of waiting for the first response."""
        return [(visit.start, visit.waited_until) for visit in self.all_visits()]

    def backlog(self) -> list[tuple[int, int | None]]:
        """Half-open spans in which the ticket is open."""
        return self.spans

    def all_visits(self) -> list[Visit]:
        """The single visit; a resolution, merge or deletion ends its waiting without being a miss."""
        left, exit = self.final_at, self.final
        if self.resolved and (left is None or self.resolved[0].time <= left):
            left, exit = self.resolved[0].time, "resolved"
        return self.single_visit(None, left, exit=exit)


TicketFacts.handlers = {
    "ticket.opened": TicketFacts.on_opened,
    "ticket.message": ConversationFacts.on_message,
    "ticket.assigned": None,
    "ticket.status_changed": TicketFacts.on_status,
    "ticket.priority_changed": None,
    "ticket.escalated": None,
    "ticket.resolved": TicketFacts.on_resolved,
    "ticket.closed": TicketFacts.on_resolved,
    "ticket.reopened": TicketFacts.on_reopened,
    "ticket.merged": TicketFacts.on_merged,
    "ticket.deleted": TicketFacts.on_deleted,
}
