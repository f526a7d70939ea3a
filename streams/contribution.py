"""Contribution: what one interaction adds to the numbers, and when.

`contribute` turns facts and a policy into bookings. A booking has its own instant; one whose instant is not yet past is a plan: it counts
as soon as the clock has passed it, unless an event changes the facts before. So a deadline is seen without any event arriving, and the
earliest planned instant is the interaction's next change. What is open (backlog, waiting) is a span with a beginning and, once known,
an end.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from streams.calendars import ALWAYS
from streams.dimensions import DIMENSIONS
from streams.events import to_ms
from streams.facts import AnyFacts, CallFacts
from streams.facts.conversation import Reply
from streams.facts.interaction import RARE
from streams.facts.visit import Leg, Visit
from streams.policy import Policy
from streams.targets import Target

Where = tuple[str | None, str | None, str | None]
"""Queue, team and agent that a booking belongs to."""
Shared = tuple[str | None, ...]
"""The interaction's values of `SHARED`, which hold for all that it ever contributed."""
SHARED = tuple(name for name in DIMENSIONS if name not in ("queue", "team", "agent"))
_RARE = SHARED[2:]
_NO_RARE: Shared = (None,) * len(_RARE)

Count = tuple[int, str, Where]
"""Instant (ms), measure, where: one more."""
Value = tuple[int, str, Where, int]
"""Instant (ms), measure, where, a value of a distribution (ms)."""


def wanted(policy: Policy, segmentations: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """The rarely used attributes that a policy's targets or some segmentations need."""
    needed = {name for dims in segmentations for name in dims} | set(policy.match_dimensions)
    return tuple(name for name in RARE if name in needed)


class Joint(NamedTuple):
    """One value or count an interaction and segment, the sum of its parts there: a call with two legs is one call of the centre."""

    time: int
    measure: str
    is_value: bool
    parts: tuple[tuple[Where, int], ...]


class Span(NamedTuple):
    """Something open from `start` until `end` (None: still). `since` is where its age begins, `deadline` when its response is due (ms)."""

    kind: str
    start: int
    end: int | None
    where: Where
    since: int
    deadline: int | None


class Contribution:
    """All that an interaction contributes, past and planned. Spans that end before `open_from` (ms) are left out."""

    __slots__ = ("counts", "joints", "latest", "open_from", "shared", "spans", "values")

    def __init__(self, shared: Shared, open_from: int) -> None:
        self.shared = shared
        self.open_from = open_from
        self.latest = 0
        """The latest instant (ms) of a count or value."""
        self.counts: list[Count] = []
        self.values: list[Value] = []
        self.joints: list[Joint] = []
        self.spans: list[Span] = []

    def count(self, time: int, measure: str, where: Where) -> None:
        self.latest = max(self.latest, time)
        self.counts.append((time, measure, where))

    def value(self, time: int, measure: str, ms: int, where: Where) -> None:
        self.latest = max(self.latest, time)
        self.values.append((time, measure, where, ms))

    def asks(self, end: int | None) -> bool:
        """Whether anyone asks of what was open until `end`."""
        return end is None or end >= self.open_from

    def span(self, kind: str, start: int, end: int | None, where: Where, since: int, deadline: int | None = None) -> None:
        """Something open in the half-open [start, end); nothing if that is empty."""
        if end is None or (end >= self.open_from and end > start):
            self.spans.append(Span(kind, start, end, where, since, deadline))

    def joint(self, time: int, measure: str, parts: Sequence[tuple[Where, int]], *, is_value: bool) -> None:
        """Books once a segment. Parts that all lie in one place are an ordinary booking."""
        first, ms = parts[0]
        if len(parts) == 1 or all(where == first for where, _ in parts):
            if is_value:
                self.value(time, measure, ms if len(parts) == 1 else sum(ms for _, ms in parts), first)
            else:
                self.count(time, measure, first)
        else:
            self.joints.append(Joint(time, measure, is_value, tuple(parts)))


class Family(Protocol):
    """A module of `streams.kpis`."""

    def contribute(self, item: "Item", book: Contribution) -> None: ...


class Item:
    """One interaction as the KPI families see it: facts, with targets, places and the first response resolved.

    `clock_start` is where the response clock starts (ms): the first queue entry of a call; else creation, hand-off or first customer
    message. `response` is the first human response, instant and place. `response_spans` are the half-open spans of waiting for it,
    `backlog` those of being open.
    """

    __slots__ = (
        "_deadline",
        "_legs",
        "_targets",
        "agent",
        "auto_closed",
        "backlog",
        "channel",
        "clock_start",
        "facts",
        "policy",
        "queue",
        "response",
        "response_spans",
        "team",
        "visits",
    )

    def __init__(self, facts: AnyFacts, policy: Policy) -> None:
        self.facts = facts
        self.policy = policy
        self.channel = facts.channel
        self.queue = facts.queue
        self.team = facts.team
        self.agent = facts.agent
        self.visits: list[Visit] = facts.all_visits()
        self._targets: dict[str | None, Target] = {}
        self._deadline: int | None = -1
        self._legs: list[tuple[Where, Leg]] | None = None
        self.backlog = facts.backlog()
        self.clock_start: int | None = None
        self.response: tuple[int, Where] | None = None
        if isinstance(facts, CallFacts):
            if self.visits:
                self.clock_start = self.first_visit.start
            for visit in self.visits:
                if visit.answered is not None and (self.response is None or visit.answered < self.response[0]):
                    self.response = visit.answered, self.at(visit.queue, visit.agent, visit.team)
        else:
            self.clock_start = facts.clock_start
            reply = facts.response
            if reply is not None:
                self.response = reply.time, self.of_reply(reply)
        self.response_spans = facts.response_spans() if self.clock_start is not None else []
        self.auto_closed: int | None = None
        silence = policy.auto_close.get(self.channel) if policy.auto_close else None
        if silence is not None and facts.latest is not None and self.backlog and self.backlog[-1][1] is None:
            self._close(facts.latest.time + silence)

    def _close(self, time: int) -> None:
        """The policy closes what has been silent for so long: it is open no more, and whoever still waited has left. A plan before."""
        self.auto_closed = time
        self.backlog = [(start, time if end is None else end) for start, end in self.backlog]
        self.response_spans = [(start, time if end is None else end) for start, end in self.response_spans]
        self.visits = [visit.left_at(time, "auto_closed") if visit.open else visit for visit in self.visits]

    def target(self, queue: str | None) -> Target:
        """The target for a visit to a queue, by the latest attributes."""
        found = self._targets.get(queue)
        if found is None:
            found = self._targets[queue] = self._lookup(queue)
        return found

    def _lookup(self, queue: str | None) -> Target:
        facts = self.facts
        values: list[str | None] = []
        for name in self.policy.match_dimensions:
            if name == "queue":
                values.append(queue)
            elif name in ("channel", "priority", "team", "agent"):
                values.append(getattr(facts, name))
            else:
                values.append(facts.rare.get(name) if facts.rare else None)
        return self.policy.target(tuple(values))

    def at(self, queue: str | None, agent: str | None = None, team: str | None = None) -> Where:
        """The place of something that happened in a queue, by whom as far as the event says so, else by the latest known."""
        return (queue, team or self.team, agent or self.agent)

    def of_reply(self, reply: Reply) -> Where:
        """The place of a reply: the visit that it came in, else the first one."""
        visit = reply.visit or (self.visits[0] if self.visits else None)
        return self.at(visit.queue if visit is not None else self.queue, reply.agent, reply.team)

    @property
    def legs(self) -> list[tuple[Where, Leg]]:
        """Each leg with its place."""
        if self._legs is None:
            self._legs = []
            chat = self.channel == "chat"
            for leg in self.facts.legs:
                visit = leg.visit or (self.visits[0] if chat and self.visits else None)
                queue = visit.queue if visit is not None else self.queue if chat else leg.queue or self.last_queue
                self._legs.append((self.at(queue, leg.agent, leg.team), leg))
        return self._legs

    @property
    def first_visit(self) -> Visit:
        """The earliest entry into a queue: a later event may have moved the visit that was opened first."""
        visits = self.visits
        return visits[0] if len(visits) == 1 else min(visits, key=lambda visit: visit.start)

    @property
    def last_queue(self) -> str | None:
        return self.visits[-1].queue if self.visits else self.queue

    def queue_at(self, time: int) -> str | None:
        """The queue of the latest visit begun by an instant, else the first one's."""
        visits = self.visits
        if len(visits) == 1:
            return visits[0].queue
        queue = visits[0].queue if visits else self.queue
        for visit in visits:
            if visit.start <= time:
                queue = visit.queue
        return queue

    def due(self, name: str) -> int | None:
        """A deadline (ms) that the source has set: `due_first_response` or `due_resolution`."""
        rare = self.facts.rare
        when = rare.get(name) if rare else None
        return None if when is None else to_ms(when)

    @property
    def response_deadline(self) -> int | None:
        """When the first response is due; a deadline of the source wins over the policy. None: no target, or no clock."""
        if self._deadline == -1:
            self._deadline = self._response_deadline()
        return self._deadline

    def _response_deadline(self) -> int | None:
        start = self.clock_start
        if start is None:
            return None
        due = self.due("due_first_response")
        if due is not None:
            return max(due, start)
        target = self.target(self.first_visit.queue if self.visits else self.queue)
        within = target.first_response_ms
        return None if within is None else self.policy.after(target.calendar, start, within)

    def is_after_hours(self, visit: Visit) -> bool:
        """Whether a visit began while the calendar of its target was closed."""
        calendar = self.target(visit.queue).calendar
        return calendar != ALWAYS and not self.policy.is_open(calendar, visit.start)

    def waited_at(self, time: int) -> bool:
        """Whether the contact was waiting for its first response at an instant, and went on waiting."""
        return any(begin <= time and (end is None or end > time) for begin, end in self.response_spans)


def shared_of(facts: AnyFacts) -> Shared:
    """The interaction's values of `SHARED`."""
    rare: dict[str, Any] | None = facts.rare
    if rare is None:
        return (facts.channel, facts.priority, *_NO_RARE)
    return (facts.channel, facts.priority, *(rare.get(name) for name in _RARE))


def contribute(facts: AnyFacts, policy: Policy, families: Sequence[Family], open_from: int = 0) -> Contribution:
    """All that an interaction contributes under a policy. `open_from`: the earliest instant (ms) of which anyone asks what is open."""
    item = Item(facts, policy)
    book = Contribution(shared_of(facts), open_from)
    for family in families:
        family.contribute(item, book)
    return book
