"""What one interaction books, and the state it is in: each number at its own instant, with queue, agent and team."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .model import Event, Facts, Visit
from .policy import Policy, Target

NEVER = 1 << 62
Attributes = Mapping[str, str | int | None]


class Booking(NamedTuple):
    kind: str
    t: int
    v: int = 0  # milliseconds, or a flag
    queue: str | None = None
    agent: str | None = None
    team: str | None = None
    a: int = 0  # service level: answered within, missed within, events, and the headline's numerator and n
    b: int = 0
    n: int = 0
    top: int = 0
    base: int = 0


class State(NamedTuple):
    """Something open at an instant."""

    kind: str  # waiting, backlog
    since: int
    clock: int | None
    deadline: int | None
    pending: bool  # no first response yet
    queue: str | None
    agent: str | None
    team: str | None


@dataclass
class Judge:
    """One interaction as known at `at`."""

    channel: str
    facts: Facts
    attributes: Attributes
    policy: Policy
    cache: dict[tuple[str | int | None, ...], Target]

    def queue(self, visit: Visit | None) -> str | None:
        if visit is None or visit.key == -1:
            return self._text("queue")
        return visit.queue

    def _text(self, name: str) -> str | None:
        value = self.attributes.get(name)
        return value if isinstance(value, str) else None

    def target(self, queue: str | None) -> Target:
        values = {name: self._text(name) for name in self.attributes if not name.startswith("due_")}
        values |= {"channel": self.channel, "queue": queue}
        key = tuple(values.values())
        if key not in self.cache:
            self.cache[key] = self.policy.target(values)
        return self.cache[key]

    def who(self, event: Event | None) -> tuple[str | None, str | None]:
        """Agent and team that did it; the latest known where the event names none, and for what nobody did."""
        latest = self._text("agent"), self._text("team")
        return latest if event is None else (event.agent or latest[0], event.team or latest[1])

    def deadline(self, facts: Facts) -> int | None:
        """The target of the queue in which the clock started; a deadline of the source wins."""
        if facts.clock is None:
            return None
        due = self.attributes.get("due_first_response")
        if isinstance(due, int):
            return max(due, facts.clock)
        first = self._as_known(min(facts.visits, key=lambda visit: visit.start)) if facts.visits else None
        target = self.target(self.queue(first))
        return target.after(facts.clock, target.first_response)

    def _as_known(self, visit: Visit) -> Visit:
        """The same visit as it is known at `at` (its queue), for a state of the past."""
        return next((known for known in self.facts.visits if known.key == visit.key), visit)

    def states(self, facts: Facts) -> Iterator[State]:
        """What is open after the events behind `facts`, which may be only the first of them."""
        deadline = self.deadline(facts)
        agent, team = self.who(None)
        for visit in facts.visits:
            if visit.stop is None:
                queue = self.queue(self._as_known(visit))
                yield State("waiting", visit.start, None, None, False, queue, agent, team)
                if self.channel != "chat" and facts.response is None:
                    yield State("asking", visit.start, facts.clock, deadline, True, queue, agent, team)
        if self.channel == "chat" and facts.clock is not None and facts.asking is None:
            queue = self.queue(self._as_known(facts.visits[-1])) if facts.visits else self._text("queue")
            yield State("asking", facts.clock, facts.clock, deadline, True, queue, agent, team)
        if facts.in_backlog and facts.born is not None:
            queue = self.queue(self._as_known(facts.visits[-1]) if self.channel == "call" else self._single(facts))
            yield State("backlog", facts.born, None, None, False, queue, agent, team)

    def _single(self, facts: Facts) -> Visit | None:
        last = facts.visits[-1] if facts.visits else None
        return self._as_known(last) if last else None

    # What happened

    def bookings(self, at: int) -> Iterator[Booking]:
        facts = self.facts
        for visit in facts.visits:
            yield from self._visit(visit, at)
        if facts.response and facts.clock is not None:
            wait = max(0, facts.response.t - facts.clock)
            yield Booking("frt", facts.response.t, wait, self.queue(facts.response_visit), *self.who(facts.response))
        for reply, wait in facts.next_responses:
            yield Booking("nrt", reply.t, wait, self.queue(self._begun_before(reply)), *self.who(reply))
        for leg in facts.legs:
            late = facts.visits[-1] if facts.visits else None
            visit = leg.visit or (facts.visits[0] if self.channel == "chat" and facts.visits else None)
            queue = self.queue(visit) if visit else leg.event.queue or self.queue(late)
            yield Booking("leg", facts.ended or 0, leg.talk, queue, *self.who(leg.event), a=int(leg.transferred))
            if leg.wrap is not None:
                yield Booking("wrap", facts.ended or 0, leg.wrap, queue, *self.who(leg.event))
            if leg.hold is not None:
                yield Booking("hold", facts.ended or 0, leg.hold, queue, *self.who(leg.event))
        for callback in facts.callbacks:
            if callback.tries:
                first = callback.tries[0]
                queue = self.queue(facts.visits[-1] if facts.visits else None)
                wait = -1 if callback.requested is None else first.t - callback.requested
                yield Booking("dialled", first.t, wait, queue, *self.who(first), a=int(callback.reached))
        breach = self.breach(at)
        if breach is not None:
            yield Booking("breach", breach, 0, self.queue(self._begun_by(breach)), *self.who(None))
        if self.channel == "ticket":
            yield from self._ticket()
            if facts.final is not None:
                yield Booking("final", facts.final, 0, self._text("queue"), *self.who(None))
        yield from self._compliance(at, breach)
        known = self.facts.visits[-1] if self.facts.visits else None
        for since, until in facts.flow:
            if until == -1 or until > since:
                yield Booking("in", since, 0, self.queue(known), *self.who(None))
            if until > since:
                yield Booking("out", until, 0, self.queue(known), *self.who(None))

    def _visit(self, visit: Visit, at: int) -> Iterator[Booking]:
        queue, nobody = self.queue(visit), self.who(None)
        target = self.target(queue)
        answer = visit.answered
        yield Booking("offered", visit.start, 0, queue, *nobody)
        mode = target.missed
        expiry = target.after(visit.start, target.within) or NEVER
        expired = expiry < at and (visit.stop is None or visit.stop > expiry)
        counted = True
        if target.closed(visit.start):
            counted = self.policy.include_after_hours
            yield Booking("after_hours", visit.start, 0, queue, *nobody)
        late = Booking("level", expiry, 0, queue, *nobody, n=1, base=int(mode != "handled_only"))
        if answer:
            wait = max(0, answer.t - visit.start)
            done = self.who(answer)
            yield Booking("answered", answer.t, wait, queue, *done, a=int(counted))
            if not counted:
                return
            if mode == "handled_only":
                yield Booking("level", answer.t, 0, queue, *done, base=1)
            if expired:
                yield late
            else:
                within = int(answer.t <= expiry)
                yield Booking("level", answer.t, 0, queue, *done, a=within, n=1, top=within, base=int(mode != "handled_only"))
        elif visit.left is not None:
            if expired and counted:
                yield late
        elif visit.miss:
            t, outcome = visit.miss
            short = target.elapsed(visit.start, t) < target.short_missed
            yield Booking("missed", t, 0, queue, *nobody, a=int(outcome == "abandoned" and not short), b=int(short))
            if short or not counted:
                return
            if expired:
                yield late
            else:
                top, base = int(mode == "positive"), int(mode in {"included", "positive"})
                yield Booking("level", t, 0, queue, *nobody, b=1, n=1, top=top, base=base)
        elif expired and counted:
            yield late

    def _begun_by(self, t: int) -> Visit | None:
        visits = self.facts.visits
        begun = [visit for visit in visits if visit.start <= t]
        if not visits:
            return None
        return begun[-1] if begun else visits[0]

    def _begun_before(self, event: Event) -> Visit | None:
        begun = [visit for visit in self.facts.visits if visit.key < event.key]
        return (begun[-1:] or self.facts.visits[:1] or [None])[0]

    def breach(self, at: int) -> int | None:
        """The instant the first-response target passed unmet (decision 0002, 19)."""
        due = self.deadline(self.facts)
        if due is None or due >= at:
            return None
        if self.facts.response:
            return due if self.facts.response.t > due else None
        if self.channel == "chat":
            return due if self.facts.asking is None or self.facts.asking > due else None
        waiting = (visit.start <= due and (visit.stop is None or visit.stop > due) for visit in self.facts.visits)
        return due if any(waiting) else None

    def _ticket(self) -> Iterator[Booking]:
        facts, queue, nobody = self.facts, self._text("queue"), self.who(None)
        if facts.counted_opening and facts.opened is not None:
            yield Booking("opened", facts.opened, 0, queue, *nobody)
        for event in facts.resolved:
            yield Booking("resolved", event.t, 0, queue, *self.who(event), a=int(not facts.withdrawn))
        for event in facts.reopened:
            yield Booking("reopened", event.t, 0, queue, *nobody, a=int(not facts.withdrawn))
        if facts.handled_by:
            yield Booking("handled", facts.handled_by.t, 0, queue, *self.who(facts.handled_by))
        if facts.resolved and facts.opened is not None and not facts.withdrawn:
            first, last = facts.resolved[0], facts.resolved[-1]
            if facts.is_resolved:
                yield Booking("requester", last.t, facts.requester_waits, queue, *self.who(last))
            target = self.target(queue)
            for kind, solve in (("first", first), ("full", last)):
                if kind == "first" or facts.is_resolved:
                    yield Booking(kind, solve.t, max(0, solve.t - facts.opened), queue, *self.who(solve))
                    yield Booking(kind + "_business", solve.t, target.elapsed(facts.opened, solve.t), queue, *self.who(solve))

    def _compliance(self, at: int, breach: int | None) -> Iterator[Booking]:
        """One verdict an item (rules 18 and 38, decision 0002, 24)."""
        facts = self.facts
        if facts.withdrawn:
            return
        reply_due = self.deadline(facts)
        first = facts.resolved[0] if facts.resolved else None
        met: list[tuple[int, Event, Visit | None]] = []
        failed: list[int] = []
        undecided = False
        resolved_unanswered = first is not None and (facts.response is None or facts.response.t > first.t)
        if reply_due is not None and not (resolved_unanswered and first is not None and first.t <= reply_due):
            if breach is not None:
                failed.append(breach)
            elif facts.response:
                met.append((facts.response.t, facts.response, facts.response_visit))
            else:
                undecided = True
        if self.channel == "ticket":
            due = self.attributes.get("due_resolution")
            target = self.target(self._text("queue"))
            limit = None if facts.opened is None else target.after(facts.opened, target.resolution)
            if isinstance(due, int):
                limit = due if facts.opened is None else max(due, facts.opened)
            if limit is not None:
                if first and first.t <= limit:
                    met.append((first.t, first, None))
                elif limit < at:
                    failed.append(limit)
                else:
                    undecided = True
        if failed:
            t = min(failed)
            yield Booking("sla", t, 0, self.queue(self._begun_by(t)), *self.who(None))
        elif met and not undecided:
            t, event, visit = max(met, key=lambda one: one[0])
            yield Booking("sla", t, 1, self.queue(visit), *self.who(event))
