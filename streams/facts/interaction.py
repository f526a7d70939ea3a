"""What an interaction's events say, whatever its channel: the latest attributes, queue visits and legs.

Facts are a left fold over the events sorted by (time, id): `apply` takes the next event in that order. So an event that arrives in order is applied to
the facts at hand, and every other case folds the whole set again (`streams.facts.derive`). Nothing here knows a policy or a clock.
"""

from typing import Any

from streams.events import Attributes, Event

SKEW_MS = 5_000
"""An answer or miss this long before its queue entry still belongs to it: two systems' clocks, usually 1–2 s apart."""

RARE: tuple[str, ...] = ("reason", "medium", "language", "tenant", "product", "region", "customer_segment", "customer")


class Visit:
    """One stay in one queue. Times in ms; None: did not happen."""

    __slots__ = ("agent", "answered", "by_end", "exit", "from_transfer", "id", "left", "missed", "outcome", "queue", "start", "team")

    def __init__(self, start: int, queue: str | None, ident: str | None = None, *, from_transfer: bool = False) -> None:
        self.start = start
        self.queue = queue
        self.id = ident
        self.from_transfer = from_transfer
        self.answered: int | None = None
        self.agent: str | None = None
        self.team: str | None = None
        self.missed: int | None = None
        self.outcome = "abandoned"
        self.by_end = False
        self.left: int | None = None
        self.exit = ""

    @property
    def open(self) -> bool:
        return self.answered is None and self.missed is None and self.left is None

    @property
    def waited_until(self) -> int | None:
        """When waiting ended: at the answer, the miss or another way out, whichever came first; None: it goes on."""
        end = self.answered
        if self.missed is not None and (end is None or self.missed < end):
            end = self.missed
        if self.left is not None and (end is None or self.left < end):
            end = self.left
        return end


class Leg:
    """One agent with one contact, from the answer to the next transfer, answer or end."""

    __slots__ = ("agent", "end", "held_since", "hold", "queue", "start", "team", "visit")

    def __init__(self, start: int, visit: Visit | None, agent: str | None, team: str | None, queue: str | None) -> None:
        self.start = start
        self.queue = queue
        self.visit = visit
        self.agent = agent
        self.team = team
        self.end: int | None = None
        self.hold = 0
        self.held_since: int | None = None

    def close(self, time: int) -> None:
        if self.end is None:
            self.resume(time)
            self.end = time

    def resume(self, time: int) -> None:
        if self.held_since is not None:
            self.hold += max(0, time - self.held_since)
            self.held_since = None

    @property
    def talk(self) -> int:
        """Milliseconds of talk: ended − answered − hold, never negative."""
        return max(0, (self.end or self.start) - self.start - self.hold)


class Facts:
    """The facts of one interaction; one subclass a channel."""

    __slots__ = ("agent", "early_answer", "early_miss", "ended", "first_end", "last", "legs", "priority", "queue", "rare", "reopened_once", "skewed", "team", "visits", "wanted")
    channel = ""
    handlers: dict[str, Any] = {}

    def __init__(self, wanted: tuple[str, ...] = RARE) -> None:
        self.wanted = wanted
        self.queue: str | None = None
        self.team: str | None = None
        self.agent: str | None = None
        self.priority: str | None = None
        self.rare: dict[str, Any] | None = None
        self.visits: list[Visit] = []
        self.legs: list[Leg] = []
        self.ended: int | None = None
        self.first_end: int | None = None
        self.reopened_once = False
        self.last: tuple[int, str] | None = None
        self.skewed = 0
        self.early_answer: Leg | None = None
        self.early_miss: tuple[int, str, str | None] | None = None

    def apply(self, event: Event) -> None:
        """Takes the next event in (time, id) order. Only lifecycle events of the channel say something of the interaction."""
        data = event.data
        time, kind = event.time, event.type
        self.last = (time, event.id)
        handle = self.handlers.get(kind)
        if handle is None:
            return
        queue, team, agent, priority = data.queue, data.team, data.agent, data.priority
        if queue is not None:
            self.queue = queue
            if self.visits:
                self._correct_queue(kind, data)
        if team is not None:
            self.team = team
        if agent is not None:
            self.agent = agent
        if priority is not None:
            self.priority = priority
        for name in self.wanted:
            value = getattr(data, name)
            if value is not None:
                self._keep(name, value)
        if data.due_first_response is not None:
            self._keep("due_first_response", data.due_first_response)
        if data.due_resolution is not None:
            self._keep("due_resolution", data.due_resolution)
        handle(self, time, data)

    def adopt_attributes(self, latest: "Facts") -> None:
        """Takes the attributes known later; nothing may be applied afterwards."""
        self.queue, self.team, self.agent, self.priority, self.rare = latest.queue, latest.team, latest.agent, latest.priority, latest.rare
        for mine, theirs in zip(self.visits, latest.visits, strict=False):
            mine.queue = theirs.queue

    def _keep(self, name: str, value: Any) -> None:
        if self.rare is None:
            self.rare = {}
        self.rare[name] = value

    def _correct_queue(self, kind: str, data: Attributes) -> None:
        """A later event may correct the queue of the visit that it belongs to; a queue entry or a transfer speaks of the next one."""
        if not kind.endswith((".queued", ".transferred")):
            visit = self.visit_named(data.visit) or self.visits[-1]
            visit.queue = data.queue

    def visit_named(self, ident: str | None) -> Visit | None:
        if ident is not None:
            for visit in self.visits:
                if visit.id == ident:
                    return visit
        return None

    # -- queue visits, the same for calls and chats

    def on_queued(self, time: int, data: Attributes) -> None:
        named = self.visit_named(data.visit)
        current = self.visits[-1] if self.visits else None
        if named is None and current is not None and current.open:
            if (data.queue is None or data.queue == current.queue) and (data.visit is None or current.id is None):
                named = current
            else:
                current.left, current.exit = time, "requeued"
        if named is not None:
            if named.from_transfer:
                named.start, named.from_transfer = time, False
            named.id = named.id or data.visit
            named.queue = data.queue or named.queue
            return
        if self.legs:
            self.legs[-1].close(time)
        visit = Visit(time, data.queue, data.visit)
        self.visits.append(visit)
        self._claim_early(visit)
        if self.ended is not None and visit.open:
            visit.missed, visit.by_end = time, True

    def _claim_early(self, visit: Visit) -> None:
        """Gives a visit the answer or miss that another clock placed shortly before its beginning."""
        leg, miss = self.early_answer, self.early_miss
        if leg is not None and visit.start - leg.start <= SKEW_MS:
            visit.answered, visit.agent, visit.team = leg.start, leg.agent, leg.team
            leg.visit = visit
            self.skewed += 1
        elif miss is not None and visit.start - miss[0] <= SKEW_MS and miss[2] in (None, visit.id):
            visit.missed, visit.outcome = miss[0], miss[1]
            self.skewed += 1
        self.early_answer = self.early_miss = None

    def on_answered(self, time: int, data: Attributes) -> None:
        visit = self.visit_named(data.visit)
        if visit is None and self.visits:
            last = self.visits[-1]
            if (data.visit is None and last.left is None) or (last.open and last.id is None):
                visit = last
        leg = self.begin_leg(time, visit, data)
        if visit is None:
            self.early_answer = leg
        elif visit.answered is None:
            visit.answered, visit.agent, visit.team = time, data.agent, data.team

    def begin_leg(self, time: int, visit: Visit | None, data: Attributes) -> Leg:
        """A new leg ends the one before. After the contact's first end a leg is kept only if another clock may have put it there."""
        if self.legs:
            self.legs[-1].close(time)
        leg = Leg(time, visit, data.agent, data.team, data.queue)
        if not self.reopened_once:
            self.legs.append(leg)
        if self.first_end is not None:
            leg.close(max(time, self.first_end))
        return leg

    def on_missed(self, time: int, data: Any) -> None:
        outcome = data.outcome or "abandoned"
        visit = self.visit_named(data.visit)
        if visit is None and self.visits and self.visits[-1].open and (data.visit is None or self.visits[-1].id is None):
            visit = self.visits[-1]
        if visit is None:
            if not self.visits or data.visit is not None:
                self.early_miss = (time, outcome, data.visit)
        elif visit.left is None and (visit.missed is None or visit.by_end):
            visit.missed, visit.outcome, visit.by_end = time, outcome, False

    def close_open_visit(self, time: int) -> None:
        """The contact ended: who still waits is a miss."""
        if self.visits and self.visits[-1].open:
            visit = self.visits[-1]
            visit.missed, visit.outcome, visit.by_end = time, "abandoned", True
