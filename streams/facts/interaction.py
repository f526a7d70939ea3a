"""What an interaction's events say, whatever its channel: the latest attributes, queue visits and legs.

Facts are a left fold over the events sorted by (time, id): `apply` takes the next event in that order. So an event that arrives in order is
applied to the facts at hand, and every other case folds the whole set again (`streams.facts.derive`). Nothing here knows policy or
clock.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from streams.event_types import Attributes
from streams.events import Event
from streams.facts.visit import SKEW_MS, Early, Leg, Visit

_STRANGE = object()
RARE: tuple[str, ...] = ("reason", "medium", "language", "tenant", "product", "region", "customer_segment", "customer")


class Facts:
    """The facts of one interaction; one subclass a channel."""

    channel = ""
    handlers: ClassVar[dict[str, Any]] = {}
    """By event type; None: it says no more than its attributes do."""

    # Defaults of the class: most interactions set few of them, and millions are made.
    queue: str | None = None
    team: str | None = None
    agent: str | None = None
    priority: str | None = None
    rare: dict[str, Any] | None = None
    ended: int | None = None
    first_end: int | None = None
    reopened_once = False
    latest: Event | None = None
    skewed = 0
    early: Sequence[Early] = ()

    def __init__(self, wanted: tuple[str, ...] = RARE) -> None:
        self.wanted = wanted
        self.visits: list[Visit] = []
        self.legs: list[Leg] = []

    def apply(self, event: Event) -> None:
        """Takes the next event in (time, id) order. Only lifecycle events of the channel say something of the interaction."""
        self.latest = event
        handle = self.handlers.get(event.type, _STRANGE)
        if handle is _STRANGE:
            return
        data = event.data
        if data.queue:  # an empty text says nothing, as none does
            self.queue = data.queue
            if self.visits:
                self._correct_queue(event.type, data)
        if data.team:
            self.team = data.team
        if data.agent:
            self.agent = data.agent
        if data.priority:
            self.priority = data.priority
        for name in self.wanted:
            value = getattr(data, name)
            if value:
                self._keep(name, value)
        if data.due_first_response is not None:
            self._keep("due_first_response", data.due_first_response)
        if data.due_resolution is not None:
            self._keep("due_resolution", data.due_resolution)
        if handle is not None:
            handle(self, event.time, data)

    def adopt_attributes(self, latest: "Facts") -> None:
        """Takes the attributes known later; nothing may be applied afterwards."""
        self.queue, self.team, self.agent, self.priority, self.rare = latest.queue, latest.team, latest.agent, latest.priority, latest.rare
        queues = {visit.key: visit.queue for visit in latest.visits}
        for visit in self.visits:
            visit.queue = queues.get(visit.key, visit.queue)

    def _keep(self, name: str, value: Any) -> None:
        if self.rare is None:
            self.rare = {}
        self.rare[name] = value

    def _correct_queue(self, kind: str, data: Attributes) -> None:
        """A later event may correct the queue of the visit that it belongs to. Queue entry, transfer, answer and miss find
        theirs by themselves."""
        if not kind.endswith((".queued", ".transferred", ".answered", ".missed")):
            last = self.visits[-1]
            visit = self.visit_named(data.visit) or (last if last.may_be(data.visit) else None)
            if visit is not None:
                visit.queue = data.queue

    @property
    def latest_visit(self) -> Visit | None:
        return self.visits[-1] if self.visits else None

    def visit_named(self, ident: str | None) -> Visit | None:
        if ident:
            for visit in self.visits:
                if visit.id == ident:
                    return visit
        return None

    # -- queue visits, the same for calls and chats

    def on_queued(self, time: int, data: Attributes) -> None:
        named = self.visit_named(data.visit)
        current = self.visits[-1] if self.visits else None
        if named is None and current is not None and (current.open or self._answered_before_its_entry(current, time)):
            if (not data.queue or data.queue == current.queue) and current.may_be(data.visit):
                named = current
            elif current.open:
                current.left, current.exit = time, "requeued"
        if named is not None:
            if named.from_transfer:
                named.start, named.from_transfer = time, False
            named.id = named.id or data.visit
            named.queue = data.queue or named.queue
            return
        self.open_visit(Visit(time, (data.queue or None) if self.visits else self.queue, data.visit))

    def _answered_before_its_entry(self, visit: Visit, time: int) -> bool:
        """Whether a transfer opened a visit and another clock placed its answer shortly before its queue entry; an answer that took a miss
        back may yet be for the next visit."""
        return visit.transferred_and_answered_by(time) and not any(early.took_back is visit for early in self.early)

    def open_visit(self, visit: Visit) -> None:
        """A visit begins: talk before it ends, but for an answer that another clock placed shortly before it."""
        visit.key = None if self.latest is None else (self.latest.time, self.latest.id)
        self.visits.append(visit)
        if self.early:
            self._claim_early(visit)
        visit.moved = len(self.visits) > 1 or any(leg.visit is not visit for leg in self.legs)
        if self.legs and self.legs[-1].visit is not visit and self.legs[-1].end is None:
            self.legs[-1].close(visit.start)
            visit.ended_legs = (*visit.ended_legs, self.legs[-1])
        if self.ended is not None and visit.open:
            visit.missed, visit.by_end = visit.start, True

    def _claim_early(self, visit: Visit) -> None:
        """Gives a visit the answers and misses that another clock placed shortly before its beginning."""
        waiting: list[Early] = []
        given_back: list[Visit] = []
        for early in self.early:
            if visit.start - early.time > SKEW_MS:
                continue
            leg = early.leg
            if leg is None:
                taken = visit.missed is not None
            else:  # whoever had the contact first has transferred it, so that answer is for no visit
                taken = (visit.answered is not None and (leg.by_reply or not visit.by_reply)) or (visit.transferred and leg is self.legs[0])
            if taken or not visit.may_be(early.ident):
                waiting.append(early)
                continue
            visit.id = visit.id or early.ident
            visit.queue = visit.queue or early.queue or None
            if leg is None:
                visit.missed, visit.outcome = early.time, early.outcome
            else:
                if early.took_back is not None:
                    early.took_back.forget_answer()
                    given_back.append(early.took_back)
                visit.answered, visit.agent, visit.team = early.time, leg.agent, leg.team
                visit.by_reply = leg.by_reply
                leg.visit = visit
                if leg.ended_leg is not None:
                    visit.ended_legs = (*visit.ended_legs, leg.ended_leg)
            self.skewed += 1
        self.early = [self._inherited(early, given_back) for early in waiting] if given_back else waiting

    def settle(self, visit: Visit) -> None:
        """A later answer to a visit shows that an answer between two visits was for that one."""
        self.early = [early for early in self.early if early.took_back is not visit]

    def _inherited(self, early: Early, given_back: list[Visit]) -> Early:
        """The visit before loses an answer that was meant for the next one; the next answer that waits may be its own."""
        for visit in given_back:
            if early.leg is not None and early.leg.visit is visit:
                visit.answer(early.time, early.leg.agent, early.leg.team)
                given_back.remove(visit)
                return early._replace(took_back=visit)
        return early

    def _target(self, ident: str | None) -> Visit | None:
        """The visit that an answer or a miss belongs to: the one it names, else the open one."""
        visit = self.visit_named(ident)
        if visit is None and self.visits and self.visits[-1].open and self.visits[-1].may_be(ident):
            visit = self.visits[-1]
            visit.id = visit.id or ident
        return visit

    def on_answered(self, time: int, data: Attributes) -> None:
        visit = self._target(data.visit)
        if visit is None and self.visits and self.visits[-1].by_reply and self.visits[-1].may_be(data.visit):
            visit = self.visits[-1]
            visit.id = visit.id or data.visit
        late = None
        if visit is None and self.visits and not data.visit and self.visits[-1].left is None:
            late = self.visits[-1]
        leg = self.begin_leg(time, visit or late, data)
        if visit is not None:
            if self.early:
                self.settle(visit)
            if visit.answered is None or visit.by_reply:
                visit.answer(time, data.agent, data.team)
            visit.queue = data.queue or visit.queue
            return
        took_back = late is not None and late.answered is None
        if late is not None and took_back:
            late.answer(time, data.agent, data.team)
        self.early = [*self.early, Early(time, data.visit, leg, "", data.queue, late if took_back else None)]

    def on_wrapped_up(self, time: int, data: Attributes) -> None:
        """After-contact work of the last ended leg of the agent that is named, else of the last one; not of what a reopening began."""
        if not self.legs or self.reopened_once:
            return
        leg = self.legs[-1]
        for each in self.legs:
            if data.agent and each.agent == data.agent and each.end is not None and each.end <= time:
                leg = each
        leg.wrap = (leg.wrap or 0) + (0 if leg.end is None else max(0, time - leg.end))

    def begin_leg(self, time: int, visit: Visit | None, data: Attributes) -> Leg:
        """A new leg ends the one before. After the contact's first end a leg is kept only if another clock may have put it there."""
        leg = Leg(time, visit, data.agent, data.team, data.queue)
        if self.legs and self.legs[-1].end is None:
            self.legs[-1].close(time)
            leg.ended_leg = self.legs[-1]
        if not self.reopened_once:
            self.legs.append(leg)
        if self.first_end is not None:
            leg.late = True
            leg.close(max(time, self.first_end))
        return leg

    def on_missed(self, time: int, data: Any) -> None:
        outcome = data.outcome or "abandoned"
        visit = self._target(data.visit)
        if visit is None and not data.visit and self.visits and self.visits[-1].missed_by_end_at(time):
            visit = self.visits[-1]
        if visit is None:
            self.early = [*self.early, Early(time, data.visit, None, outcome, data.queue, None)]
            return
        visit.queue = data.queue or visit.queue
        if visit.left is not None and visit.exit == "requeued":  # was inferred, and this says why
            time, visit.left, visit.exit = min(time, visit.left), None, ""
        if visit.left is None and (visit.missed is None or visit.missed_by_end_at(time)):
            visit.missed, visit.outcome, visit.by_end = time, outcome, False

    def close_open_visit(self, time: int) -> None:
        """The contact ended: who still waits is a miss."""
        if self.visits and self.visits[-1].open:
            visit = self.visits[-1]
            visit.missed, visit.outcome, visit.by_end = time, "abandoned", True
