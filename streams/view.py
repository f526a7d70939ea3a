"""The live view of a worker: everything derived from the event sets of its ledger partitions, kept by differences.

A partition is told which interactions get a new event; `advance` moves the clock, evaluates what was touched and what is due, and applies
new contribution − old contribution. Of an interaction nothing is kept: a set only grows, so what it was at the last instant is its first
events, and what it contributed then is derived from them again. So an interaction that is closed costs its packed events and no more, and
nothing here is stored: after a crash, a rebalance or a new policy the view is rebuilt from the ledgers. A property test holds it against
that.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import Any, Protocol

from streams.cells import Cell
from streams.contribution import Contribution, Joint, Span, contribute, wanted
from streams.event_set import in_order
from streams.events import Event
from streams.facts import derive
from streams.kpis import FAMILIES
from streams.policy import Policy
from streams.segments import Segments
from streams.windows import Frame

_ALL = 1 << 62
_HOUR_MS = 3_600_000


class State:
    """What an interaction contributes at an instant: bookings that are past, spans that are open. `upcoming` is the next planned change."""

    __slots__ = ("bookings", "joints", "shared", "spans", "upcoming")

    def __init__(self, book: Contribution | None, now: int, upcoming: int | None) -> None:
        self.bookings: list[Any] = []
        self.joints: list[Joint] = []
        self.spans: list[Span] = []
        self.shared: Any = ()
        if book is not None:
            self.shared = book.shared
            if book.latest < now:
                self.bookings = [*book.counts, *book.values]
            else:
                booking: Any
                for booking in [*book.counts, *book.values]:
                    if booking[0] < now:
                        self.bookings.append(booking)
                    elif upcoming is None or booking[0] < upcoming:
                        upcoming = booking[0]
            for joint in book.joints:
                if joint.time < now:
                    self.joints.append(joint)
            for span in book.spans:
                end = span.end
                if span.start < now and (end is None or end >= now):
                    self.spans.append(span)
                    if end is not None and (upcoming is None or end < upcoming):
                        upcoming = end
        self.upcoming = upcoming


class Sets(Protocol):
    """Where the event sets are: a ledger."""

    def stored_events(self, subject: str) -> Sequence[Event]: ...
    def subjects(self) -> Iterable[str]: ...


class Partition:
    """The event sets of a ledger partition, and which of them a view has still to evaluate: at first all."""

    __slots__ = ("sets", "touched")

    def __init__(self, sets: Sets) -> None:
        self.sets = sets
        self.touched: dict[str, int] = dict.fromkeys(sets.subjects(), 0)
        """Subject → how many events of its set were there when it was evaluated last."""

    def touch(self, subject: str, held: int) -> None:
        """The subject's set gets an event; `held` is how many it had before. Only the first since the last evaluation counts."""
        if subject not in self.touched:
            self.touched[subject] = held


class View:
    """Rows of all partitions that a worker holds, as of one instant. Clock instants are integer ms."""

    def __init__(self, policy: Policy, partitions: Mapping[int, Partition], now: int) -> None:
        self.policy = policy
        self.partitions = partitions
        self.now = now
        self.due: list[tuple[int, int, str]] = []
        """(instant, partition, subject) of planned changes."""
        self.segments = Segments(policy, Frame(policy, now))
        self.wanted = wanted(policy, policy.row_segmentations)
        self.corrections = 0
        self.open_interactions = 0
        """How many interactions have something open."""
        self.closed: dict[int, list[tuple[int, str]]] = {}
        """Hour of the last event → the interactions that were closed then, for `retirable`; one may stand in several."""
        self.settled: list[tuple[int, str]] = []
        """Interactions (partition, subject) that were found closed, for the owner to take."""

    def advance(self, now: int) -> None:
        """Moves the clock to `now` (it never goes back) and brings every interaction up to it."""
        before = self.now
        now = self.now = max(now, before)
        # The windows move first: most of what a worker that is behind reads is too old for the short ones.
        self.segments.roll(Frame(self.policy, now))
        due = self.due
        while due and due[0][0] < now:
            _, number, subject = heappop(due)
            self.partitions[number].touched.setdefault(subject, _ALL)
        for number, partition in self.partitions.items():
            for subject, held in partition.touched.items():
                self._evaluate(number, subject, held, before)
            partition.touched.clear()

    def evaluate(self, most: int) -> None:
        """Evaluates up to so many of the interactions that were touched, as of the present instant: `advance` then takes less time."""
        for number, partition in self.partitions.items():
            while partition.touched and most > 0:
                subject, held = partition.touched.popitem()
                self._evaluate(number, subject, held, self.now)
                most -= 1

    def _evaluate(self, number: int, subject: str, held: int, before: int) -> None:
        events = self.partitions[number].sets.stored_events(subject)
        if not events:
            return
        new = self._state(events, self.now)
        if held:
            old = self._state(events if held >= len(events) else events[:held], before)
            self._difference(old, new)
            planned = old.upcoming
        else:
            self._add(new)
            planned = None
        if new.upcoming is not None:
            if new.upcoming != planned:
                heappush(self.due, (new.upcoming, number, subject))
        elif not new.spans:
            self.closed.setdefault(max([event.time for event in events]) // _HOUR_MS, []).append((number, subject))
            self.settled.append((number, subject))

    def _state(self, events: Sequence[Event], now: int) -> State:
        events = in_order(events)
        past = len(events)
        while past and events[past - 1].time >= now:
            past -= 1
        upcoming = None
        if past < len(events):
            upcoming, events = events[past].time, events[:past]
        facts = derive(events, self.wanted)
        return State(None if facts is None else contribute(facts, self.policy, FAMILIES, now), now, upcoming)

    def _add(self, new: State) -> None:
        segments = self.segments
        segments.book(new.shared, new.bookings)
        for joint in new.joints:
            segments.join(new.shared, joint, 1)
        for span in new.spans:
            segments.open(new.shared, span, 1)
        self.open_interactions += bool(new.spans)

    def _difference(self, old: State, new: State) -> None:
        """Applies new − old."""
        segments = self.segments
        same = old.shared == new.shared
        added, gone = _changes(old.bookings, new.bookings) if same else (new.bookings, old.bookings)
        self.corrections += len(gone)
        segments.book(new.shared, added)
        segments.take_back(old.shared, gone)
        if old.joints != new.joints or not same:
            for joint in old.joints:
                segments.join(old.shared, joint, -1)
            for joint in new.joints:
                segments.join(new.shared, joint, 1)
        if old.spans != new.spans or not same:
            for span in old.spans:
                segments.open(old.shared, span, -1)
            for span in new.spans:
                segments.open(new.shared, span, 1)
        self.open_interactions += bool(new.spans) - bool(old.spans)

    def partials(self, ticks: tuple[int, int] | None = None) -> Iterator[tuple[bytes, bytes | None]]:
        """Partial rows (segment key, packed) that changed since they were told; None: the segment has become empty.

        `ticks`, the last one and this one, leave only those that have their turn between the two.
        """
        return self.segments.changed(self._values, ticks)

    def all_partials(self) -> Iterator[tuple[bytes, bytes | None]]:
        """All partial rows, for a reader that knows none."""
        self.segments.forget_sent()
        return self.partials()

    def _values(self, cell: Cell, measure: str, start: int, end: int) -> list[int]:
        """All values of a measure in a cell and [start, end), derived from all sets as far as they are evaluated: the slow way to a maximum
        that was taken back."""
        segments = self.segments
        out: list[int] = []
        for partition in self.partitions.values():
            for subject in partition.sets.subjects():
                state = self._state(partition.sets.stored_events(subject)[: partition.touched.get(subject)], self.now)
                for booking in state.bookings:
                    lies_in = len(booking) == 4 and booking[1] == measure and start <= booking[0] < end
                    if lies_in and cell in segments.cells_of(state.shared, booking[2]):
                        out.append(booking[3])
                for joint in state.joints:
                    if joint.is_value and joint.measure == measure and start <= joint.time < end:
                        out += segments.parts_of(cell, state.shared, joint)
        return out

    def segment_keys(self) -> set[bytes]:
        """The keys of the segments that there are."""
        return {segment.key for segment in self.segments.by_key.values()}

    @property
    def segments_overflowed(self) -> int:
        """Segments that were not admitted and are part of `other`."""
        return len(self.segments.overflow)

    def retirable(self, before: int) -> dict[int, list[str]]:
        """By partition, interactions with nothing open or planned whose last event lies before an instant."""
        out: dict[int, list[str]] = {}
        for hour in [hour for hour in self.closed if hour * _HOUR_MS < before]:
            later = []
            for number, subject in dict.fromkeys(self.closed.pop(hour)):
                partition = self.partitions[number]
                events = partition.sets.stored_events(subject)
                if not events:
                    continue
                if subject in partition.touched or max([event.time for event in events]) >= before:
                    later.append((number, subject))
                    continue
                state = self._state(events, self.now)
                if state.upcoming is None and not state.spans:
                    out.setdefault(number, []).append(subject)
            if later:
                self.closed[hour] = later
        return out


def _changes(old: list[Any], new: list[Any]) -> tuple[list[Any], list[Any]]:
    """What is in the new bookings and not in the old ones, and the other way round. Both are in the order in which families book: most
    of the time there are some more between those of before, and nothing has to be counted."""
    at, many, added = 0, len(old), []
    for booking in new:
        if at < many and old[at] == booking:
            at += 1
        else:
            added.append(booking)
    if at == many:
        return added, []
    changes = Counter(added)
    changes.subtract(old[at:])
    return list((+changes).elements()), list((-changes).elements())
