"""Contribution: what one interaction adds to the numbers, and when.

`contribute` turns facts and a policy into bookings. A booking has its own instant; one whose instant is not yet past is a plan: it counts as soon as the
clock has passed it, unless an event changes the facts before. So a deadline is seen without any event arriving, and the earliest planned instant is the
interaction's next change. What is open (backlog, waiting) is a span with a beginning and, once known, an end.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from streams.dimensions import DIMENSIONS
from streams.events import to_ms
from streams.facts import AnyFacts, ChatFacts, TicketFacts
from streams.facts.interaction import Visit
from streams.policy import Policy
from streams.targets import Target

Where = tuple[str | None, str | None, str | None]
"""Queue, team and agent that a booking belongs to."""
Shared = tuple[str | None, ...]
"""The interaction's values of `SHARED`, which hold for all that it ever contributed."""
SHARED = tuple(name for name in DIMENSIONS if name not in ("queue", "team", "agent"))
_RARE = SHARED[2:]
_NO_RARE: Shared = (None,) * len(_RARE)

Count = tuple[int, str, int, Where]
"""Instant (ms), measure, by how much, where."""
Value = tuple[int, str, int, Where]
"""Instant (ms), measure, a value of a distribution (ms), where."""


class Joint(NamedTuple):
    """One value or count an interaction and segment, the sum of the parts that lie in the segment: a call with two legs is one call of the centre."""

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
    """All that an interaction contributes, past and planned."""

    __slots__ = ("counts", "joints", "shared", "spans", "values")

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.counts: list[Count] = []
        self.values: list[Value] = []
        self.joints: list[Joint] = []
        self.spans: list[Span] = []

    def count(self, time: int, measure: str, where: Where, by: int = 1) -> None:
        self.counts.append((time, measure, by, where))

    def value(self, time: int, measure: str, ms: int, where: Where) -> None:
        self.values.append((time, measure, ms, where))

    def joint(self, time: int, measure: str, parts: Sequence[tuple[Where, int]], *, is_value: bool) -> None:
        """Books once a segment. Parts that all lie in one place are an ordinary booking."""
        first = parts[0][0]
        if all(where == first for where, _ in parts):
            if is_value:
                self.values.append((time, measure, sum(ms for _, ms in parts), first))
            else:
                self.counts.append((time, measure, 1, first))
        else:
            self.joints.append(Joint(time, measure, is_value, tuple(parts)))


class Family(Protocol):
    """A module of `streams.kpis`."""

    def contribute(self, item: "Item", book: Contribution) -> None: ...


class Item:
    """One interaction as the KPI families see it: facts, with targets and places resolved."""

    __slots__ = ("agent", "channel", "facts", "policy", "queue", "team", "visits", "_by_queue", "_target", "_targets")

    def __init__(self, facts: AnyFacts, policy: Policy) -> None:
        self.facts = facts
        self.policy = policy
        self.channel = facts.channel
        self.queue = facts.queue
        self.team = facts.team
        self.agent = facts.agent
        self.visits: list[Visit] = facts.all_visits()
        self._by_queue = "queue" in policy.match_dimensions
        self._target: Target | None = None
        self._targets: dict[str | None, Target] | None = None

    def target(self, queue: str | None) -> Target:
        """The target for a visit to a queue, by the latest attributes."""
        if not self._by_queue:
            if self._target is None:
                self._target = self._lookup(None)
            return self._target
        if self._targets is None:
            self._targets = {}
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

    def place(self, visit: Visit) -> Where:
        """The place of what nobody did: the visit's queue, the latest team and agent."""
        return (visit.queue, self.team, self.agent)

    @property
    def last_queue(self) -> str | None:
        return self.visits[-1].queue if self.visits else self.queue

    def queue_at(self, time: int) -> str | None:
        """The queue of the latest visit begun by an instant, else the first one's."""
        queue = self.visits[0].queue if self.visits else self.queue
        for visit in self.visits:
            if visit.start <= time:
                queue = visit.queue
        return queue

    def due(self, name: str) -> int | None:
        """A deadline (ms) that the source has set: `due_first_response` or `due_resolution`."""
        rare = self.facts.rare
        when = rare.get(name) if rare else None
        return None if when is None else to_ms(when)

    @property
    def clock_start(self) -> int | None:
        """Where the response clock starts: the first queue entry of a call; creation, hand-off or first customer message else."""
        facts = self.facts
        if isinstance(facts, ChatFacts | TicketFacts):
            return facts.clock_start
        return self.visits[0].start if self.visits else None

    def response_deadline(self) -> int | None:
        """When the first response is due; a deadline of the source wins over the policy. None: no target, or no clock."""
        start = self.clock_start
        if start is None:
            return None
        due = self.due("due_first_response")
        if due is not None:
            return max(due, start)
        target = self.target(self.visits[0].queue if self.visits else self.queue).first_response_ms
        return None if target is None else start + target

    def response(self) -> tuple[int, Where] | None:
        """The first human response: instant and place."""
        facts = self.facts
        if isinstance(facts, ChatFacts | TicketFacts):
            reply = facts.response
            if reply is None:
                return None
            return reply.time, self.at(self.queue_at(reply.time), reply.agent, reply.team)
        for visit in self.visits:
            if visit.answered is not None:
                return visit.answered, self.at(visit.queue, visit.agent, visit.team)
        return None


def shared_of(facts: AnyFacts) -> Shared:
    """The interaction's values of `SHARED`."""
    rare: dict[str, Any] | None = facts.rare
    if rare is None:
        return (facts.channel, facts.priority, *_NO_RARE)
    return (facts.channel, facts.priority, *(rare.get(name) for name in _RARE))


def contribute(facts: AnyFacts, policy: Policy, families: Sequence[Family]) -> Contribution:
    """Everything that an interaction contributes under a policy."""
    item = Item(facts, policy)
    book = Contribution(shared_of(facts))
    for family in families:
        family.contribute(item, book)
    return book
