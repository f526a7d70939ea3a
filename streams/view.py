"""The live view of one ledger partition: everything derived from its event sets, kept by differences.

`touch` says that an interaction has a new event; `advance` moves the clock, evaluates what was touched and what is due, and applies new
contribution − old contribution. Nothing here is stored: after a crash, a rebalance or a new policy the view is rebuilt from the ledger. A
property test holds it against that.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from typing import Any

import msgspec

from streams.contribution import Contribution, Joint, Shared, Span, Where, contribute, wanted
from streams.events import Event
from streams.facts import RETRACTION, AnyFacts, derive
from streams.kpis import FAMILIES
from streams.policy import Policy
from streams.segments import Segment, Segments
from streams.windows import Frame

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode
LEAP_MS = 10_000
"""A clock that moves further than this at once (a replay) moves the windows first, so that most of what comes is too old for fine panes."""
Bookings = list[tuple[Any, ...]]


class Live:
    """What the view knows of one interaction."""

    __slots__ = ("applied", "facts", "joints", "next", "pending", "plain", "shared", "spans")

    def __init__(self) -> None:
        self.facts: AnyFacts | None = None
        self.plain = True
        self.pending: list[Event] = []
        self.shared: Shared = ()
        self.applied: Bookings | bytes = []
        self.joints: list[Joint] = []
        self.spans: list[Span] = []
        self.next: int | None = None


class View:
    """Rows of one partition. `events_of` gives the counting events of a subject, sorted by (time, id). Clock instants are integer ms."""

    def __init__(self, policy: Policy, events_of: Callable[[str], list[Event]]) -> None:
        self.policy = policy
        self.events_of = events_of
        self.now: int | None = None
        self.interactions: dict[str, Live] = {}
        self.touched: set[str] = set()
        self.due: list[tuple[int, str]] = []
        self.segments: Segments | None = None
        self.wanted = wanted(policy, policy.row_segmentations)
        self.corrections = 0
        self.open_interactions = 0
        """How many interactions have something open."""

    def touch(self, subject: str, event: Event, *, fresh: bool = True) -> None:
        """An event has joined the subject's set. `fresh`: its id was not known before, so in order it can be applied to the facts at
        hand."""
        live = self.interactions.get(subject)
        if live is None:
            live = self.interactions[subject] = Live()
        self.touched.add(subject)
        facts = live.facts
        if facts is None:
            return
        last = live.pending[-1] if live.pending else facts.latest
        if fresh and live.plain and event.type != RETRACTION and last is not None and (event.time, event.id) > (last.time, last.id):
            live.pending.append(event)
        else:
            live.facts = None

    def rebuild(self, subjects: Iterable[str]) -> None:
        """Marks interactions for evaluation from their sets, after recovery or a change of policy."""
        for subject in subjects:
            self.interactions[subject] = Live()
            self.touched.add(subject)

    def advance(self, now: int) -> None:
        """Moves the clock to `now` (it never goes back) and brings every interaction up to it."""
        if self.segments is None:
            self.segments = Segments(self.policy, Frame(self.policy, now))
        now = self.now = now if self.now is None else max(now, self.now)
        if now - self.segments.frame.end > LEAP_MS:
            self.segments.roll(Frame(self.policy, now))
        due, touched = self.due, self.touched
        while due and due[0][0] < now:
            touched.add(heappop(due)[1])
        for subject in touched:
            self._evaluate(subject, now)
        touched.clear()

    def _evaluate(self, subject: str, now: int) -> None:
        live = self.interactions.get(subject)
        if live is None:
            return
        facts = live.facts
        if facts is not None:
            pending = live.pending
            done = 0
            while done < len(pending) and pending[done].time < now:
                facts.apply(pending[done])
                done += 1
            del pending[:done]
        else:
            facts = self._derive(subject, live, now)
        book = contribute(facts, self.policy, FAMILIES, now) if facts is not None else Contribution(live.shared, now)
        upcoming = self._apply(live, book, now)
        if live.pending and (upcoming is None or live.pending[0].time < upcoming):
            upcoming = live.pending[0].time
        if upcoming is not None and upcoming != live.next:
            heappush(self.due, (upcoming, subject))
        live.next = upcoming
        if upcoming is None and not live.spans and not live.joints:
            live.applied = _pack((live.shared, live.applied))
            live.facts = None

    def _derive(self, subject: str, live: Live, now: int) -> AnyFacts | None:
        events = self.events_of(subject)
        live.plain = not any(event.type == RETRACTION for event in events)
        past = len(events)
        while past and events[past - 1].time >= now:
            past -= 1
        live.pending = events[past:]
        facts = derive(events[:past], self.wanted)
        live.facts = facts if live.plain else None
        return facts

    def _apply(self, live: Live, book: Contribution, now: int) -> int | None:
        """Applies new − old bookings that are past; returns the earliest planned instant."""
        segments = self.segments
        assert segments is not None
        upcoming: int | None = None
        new: Bookings = []
        for booking in book.counts:
            if booking[0] < now:
                new.append(booking)
            elif upcoming is None or booking[0] < upcoming:
                upcoming = booking[0]
        for time, measure, ms, where in book.values:
            if time < now:
                new.append((time, measure, ms, where, True))
            elif upcoming is None or time < upcoming:
                upcoming = time
        joints = [joint for joint in book.joints if joint.time < now]
        spans = []
        for span in book.spans:
            if span.start < now and (span.end is None or span.end >= now):
                spans.append(span)
                if span.end is not None and (upcoming is None or span.end < upcoming):
                    upcoming = span.end
        self._difference(live, new, joints, spans, book.shared, segments)
        self.open_interactions += bool(spans) - bool(live.spans)
        live.shared, live.applied, live.joints, live.spans = book.shared, new, joints, spans
        return upcoming

    def _difference(self, live: Live, new: Bookings, joints: list[Joint], spans: list[Span], shared: Shared, segments: Segments) -> None:
        old: Bookings
        if isinstance(live.applied, bytes):
            kept, packed = _unpack(live.applied)
            live.shared, old = tuple(kept), [(*booking[:3], tuple(booking[3]), *booking[4:]) for booking in packed]
        else:
            old = live.applied
        if old and live.shared == shared:
            changes = Counter(new)
            changes.subtract(old)
            for booking, by in changes.items():
                if by:
                    segments.book(shared, booking, by)
                    self.corrections += by < 0
        else:
            for booking in old:
                segments.book(live.shared, booking, -1)
                self.corrections += 1
            for booking in new:
                segments.book(shared, booking, 1)
        if (live.joints or joints) and (live.joints != joints or live.shared != shared):
            for joint in live.joints:
                segments.join(live.shared, joint, -1)
            for joint in joints:
                segments.join(shared, joint, 1)
        if live.spans != spans or live.shared != shared:
            for span in live.spans:
                segments.open(live.shared, span, -1)
            for span in spans:
                segments.open(shared, span, 1)

    def partials(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Partial rows (segment key, packed) that changed since the last call; None: the segment has become empty."""
        if self.segments is not None and self.now is not None:
            self.segments.roll(Frame(self.policy, self.now))
            yield from self.segments.changed(self._values)

    def all_partials(self) -> Iterator[tuple[bytes, bytes | None]]:
        """All partial rows, for a reader that knows none."""
        if self.segments is not None:
            self.segments.forget_sent()
        yield from self.partials()

    def _values(self, segment: Segment, measure: str, start: int, end: int) -> list[int]:
        """All values of a measure in a segment and [start, end), straight from what is applied: the slow way to a maximum that was taken
        back."""
        assert self.segments is not None
        out = []
        for live in self.interactions.values():
            shared, applied = _unpack(live.applied) if isinstance(live.applied, bytes) else (live.shared, live.applied)
            for booking in applied:
                if len(booking) == 5 and booking[1] == measure and start <= booking[0] < end:
                    where: Where = tuple(booking[3])
                    if self.segments.holds(segment, tuple(shared), where):
                        out.append(booking[2])
            for joint in live.joints:
                if joint.is_value and joint.measure == measure and start <= joint.time < end:
                    parts = [ms for where, ms in joint.parts if self.segments.holds(segment, live.shared, where)]
                    if parts:
                        out.append(sum(parts))
        return out

    def segment_keys(self) -> Iterable[object]:
        """The segments that there are."""
        return self.segments.by_key if self.segments is not None else ()

    @property
    def segments_overflowed(self) -> int:
        """Segments that were not admitted and are part of `other`."""
        return len(self.segments.overflow) if self.segments is not None else 0

    def retirable(self, before: int) -> list[str]:
        """Interactions with nothing open or planned whose last event lies before an instant."""
        out = []
        for subject, live in self.interactions.items():
            if live.next is None and not live.spans and not live.pending and subject not in self.touched:
                events = self.events_of(subject)
                if events and events[-1].time < before:
                    out.append(subject)
        return out

    def forget(self, subject: str) -> None:
        """Drops a retired interaction; what it contributed stays in the panes until they are too old."""
        self.interactions.pop(subject, None)
        self.touched.discard(subject)
