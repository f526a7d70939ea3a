"""Who tells of which partitions: workers come and go, and each partition must be in the rows exactly once.

A worker tells of all its partitions in one part of each segment, under the number of the first of them. Where partitions change hands, the
parts of before stay until those who hold these partitions now have told of all of them; then all are replaced in one tick.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from streams.snapshot import SegmentKey

Told = tuple[SegmentKey, bytes | None]
"""A partial row; None: the segment has become empty."""


class Reach(NamedTuple):
    """A tick of which everything is told: the instant (ms) it is true for, and whether that is the end of a recording."""

    tick: int
    now: int
    ended: bool


class Holder:
    """A worker during one assignment, and what it has told that is not published yet."""

    __slots__ = ("_told", "_waiting", "first", "held", "instants", "policy", "shown", "tick")

    def __init__(self) -> None:
        self.held: dict[int, int] = {}
        """Partition → epoch; empty until it has reached a tick."""
        self.first = self.tick = -1
        """The first tick that it has reached, and the last one."""
        self.policy = ""
        self.shown = False
        self.instants: deque[Reach] = deque()
        """Of ticks that were not passed by what is published."""
        self._waiting: deque[tuple[int, SegmentKey, bytes | None]] = deque()
        self._told: dict[SegmentKey, bytes | None] = {}

    def put(self, tick: int, segment: SegmentKey, packed: bytes | None) -> None:
        self._waiting.append((tick, segment, packed))

    def reach(self, tick: int, now: int, ended: bool) -> None:
        if any(each > tick for each, _, _ in self._waiting):  # the clock was set back since; also if that was before this log was read
            self._waiting = deque((min(each, tick), segment, packed) for each, segment, packed in self._waiting)
        if tick < self.tick and self.instants:  # of the parts that stay until this tick is published, and of ticks before it
            before = [each for each in self.instants if each.tick < tick]
            self.instants = deque(before or [self.instants[0]._replace(tick=tick - 1)])
        self.first = tick if self.first < 0 else min(self.first, tick)
        self.tick = tick
        self.instants.append(Reach(tick, now, ended))

    def taken(self, tick: int) -> Iterator[Told]:
        """What it has told up to a tick, each once; nothing while it is not shown, but then it remembers the last of each."""
        tick = min(tick, self.tick)  # of which instant later ones are is not known yet
        while len(self.instants) > 1 and self.instants[1].tick <= tick:
            self.instants.popleft()
        if self.shown:
            yield from self._told.items()
            self._told = {}
        waiting = self._waiting
        while waiting and waiting[0][0] <= tick:
            _, segment, packed = waiting.popleft()
            if self.shown:
                yield segment, packed
            else:
                self._told[segment] = packed


class Holders:
    """All workers that have told of one of so many partitions and are not outdated."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self._known: dict[tuple[int, int], Holder] = {}
        self._epochs: dict[int, int] = {}
        self._newest: dict[int, Holder] = {}
        """Partition → the last that has said, of a tick, that it holds it."""

    def find(self, lead: int, epoch: int) -> Holder | None:
        """Who tells under a partition's number in an epoch of it; None: somebody who is outdated."""
        if epoch < self._epochs.get(lead, -1):
            return None
        holder = self._known.get((lead, epoch))
        if holder is None:
            self._learn({lead: epoch})
            holder = self._known[lead, epoch] = Holder()
        return holder

    def claim(self, holder: Holder, held: Mapping[int, int]) -> bool:
        """The holder says which partitions it holds, in which epochs. False: one of them is known to have a later one."""
        if any(epoch < self._epochs.get(partition, -1) for partition, epoch in held.items()):
            return False
        if holder.held != held:
            holder.held = dict(held)
            self._learn(held)
            self._newest.update(dict.fromkeys(held, holder))
        return True

    def _learn(self, epochs: Mapping[int, int]) -> None:
        """Who has not told of all in time to be shown, before others took something over, never will be."""
        self._epochs.update(epochs)
        known = self._epochs
        late = [
            each
            for (lead, epoch), each in self._known.items()
            if not each.shown and any(of < known.get(partition, -1) for partition, of in (each.held or {lead: epoch}).items())
        ]
        self._forget(late)

    def _forget(self, holders: Collection[Holder]) -> None:
        if holders:
            self._known = {key: each for key, each in self._known.items() if each not in holders}
            self._newest = {partition: each for partition, each in self._newest.items() if each not in holders}

    def __iter__(self) -> Iterator[Holder]:
        return iter(self._known.values())

    @property
    def shown(self) -> list[Holder]:
        """Those whose parts are in the rows."""
        return [each for each in self._known.values() if each.shown]

    def ticks(self) -> list[int]:
        """Of each partition the last tick that was reached; -1: none."""
        return [holder.tick if (holder := self._newest.get(number)) else -1 for number in range(self.partitions)]

    def last_tick(self, partitions: Iterable[int]) -> int:
        """The last tick that any of these partitions has reached; -1: none."""
        return max([holder.tick for number in partitions if (holder := self._newest.get(number))], default=-1)

    def missing(self, tick: int) -> tuple[int, ...]:
        """The partitions that are not in the rows of a tick as of that tick."""
        there = {partition for each in self.shown if each.tick >= tick for partition in each.held}
        return tuple(number for number in range(self.partitions) if number not in there)

    def replace(self, tick: int) -> list[Holder]:
        """Shows those who are new by a tick, as far as nothing is then told twice or by nobody; who has made room for them."""
        coming = [each for each in dict.fromkeys(self._newest.values()) if not each.shown and each.first <= tick]
        if not coming:
            return []
        told = {partition for each in coming for partition in each.held}
        going = [each for each in self.shown if not told.isdisjoint(each.held)]
        if not all(told.issuperset(each.held) for each in going):
            there = {partition for each in self.shown for partition in each.held}
            coming, going = [each for each in coming if there.isdisjoint(each.held)], []
        for each in coming:
            each.shown = True
        self._forget(going)
        return going
