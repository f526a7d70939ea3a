"""Tallies: what bookings add up to. Counts and distributions that can be added, and taken back."""

from bisect import bisect_left
from collections.abc import Iterable
from math import ceil
from typing import Any

ACCURACY = 0.01
"""Largest relative error of a percentile. The contract allows 2 %; the rest is room for the several definitions of a percentile."""
_GAMMA = (1 + ACCURACY) / (1 - ACCURACY)
TOPS = 8
"""How many of the largest values a distribution knows exactly, so that taking back the largest seldom needs the ledger."""


_EDGES = [int(_GAMMA**bucket) for bucket in range(1800)]
"""The largest value (ms) of each bucket, up to 100,000 years."""


def bucket_of(value: int) -> int:
    """The logarithmic bucket (DDSketch's mapping) of a value in ms; 0 is a bucket of its own."""
    return bisect_left(_EDGES, value) if value > 0 else -1


def largest_below(bucket: int) -> int:
    """The largest value in ms that lies in a lower bucket than this one of values above 0."""
    return _EDGES[bucket - 1] if bucket else 0


def bucket_value(bucket: int) -> float:
    """The value in ms that stands for a bucket: at most `ACCURACY` away from each of its values."""
    return 0.0 if bucket < 0 else 2 * _GAMMA**bucket / (_GAMMA + 1)


class Distribution:
    """Count, sum (ms), bucket counts and the largest values. Exact but for percentiles, and subtractable.

    `top` holds the largest values in ascending order; while `cut` is false it holds all of them. A distribution whose `top` is empty with n
    > 0 does not know its maximum: its owner recomputes it from the ledger (`restore_top`).
    """

    __slots__ = ("buckets", "cut", "n", "sum", "top")

    def __init__(self, values: Iterable[int] = ()) -> None:
        self.n = 0
        self.sum = 0
        self.buckets: dict[int, int] = {}
        self.top: list[int] = []
        self.cut = False
        for value in values:
            self.add(value)

    def add(self, value: int) -> None:
        self.n += 1
        self.sum += value
        bucket = bucket_of(value)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1
        if not self.cut or (self.top and value >= self.top[0]):
            self._add_top(value)

    def _add_top(self, value: int) -> None:
        top = self.top
        if self.cut and (not top or value < top[0]):
            return
        at = len(top)
        while at and top[at - 1] > value:
            at -= 1
        top.insert(at, value)
        if len(top) > TOPS:
            del top[0]
            self.cut = True

    def merge(self, other: "Distribution") -> None:
        """Adds all values of another distribution."""
        if not other.n:
            return
        if not self.n:
            self.n, self.sum, self.buckets, self.top, self.cut = other.n, other.sum, dict(other.buckets), list(other.top), other.cut
            return
        self.n += other.n
        self.sum += other.sum
        buckets = self.buckets
        for bucket, count in other.buckets.items():
            total = buckets.get(bucket, 0) + count
            if total:
                buckets[bucket] = total
            else:
                del buckets[bucket]
        if self.cut and (not self.top or (other.top and other.top[-1] <= self.top[0])):
            return  # nothing of it is among the largest
        top = self.top + other.top
        top.sort()
        floor = self.top[0] if self.cut else -1
        if other.cut:
            floor = max(floor, other.top[0] if other.top else 1 << 62)
        del top[: bisect_left(top, floor)]
        self.cut = self.cut or other.cut or len(top) > TOPS
        self.top = top[-TOPS:]

    def unmerge(self, other: "Distribution") -> None:
        """Takes back all values of a distribution that was merged; the maximum may be unknown afterwards."""
        if not other.n:
            return
        self.n -= other.n
        self.sum -= other.sum
        buckets = self.buckets
        for bucket, count in other.buckets.items():
            left = buckets.get(bucket, 0) - count
            if left:
                buckets[bucket] = left
            else:
                buckets.pop(bucket, None)
        if self.n == 0:
            self.top, self.cut = [], False
        elif self.top and other.top and other.top[-1] >= self.top[0]:
            for value in other.top:
                if value in self.top:
                    self.top.remove(value)

    @property
    def max(self) -> int | None:
        """The largest value in ms; None if it is unknown or there is none."""
        return self.top[-1] if self.top else None

    @property
    def lost_max(self) -> bool:
        return self.n > 0 and not self.top

    def adopt_tops(self, parts: Iterable["Distribution"]) -> None:
        """Sets the largest values anew, from the distributions that this one is the sum of."""
        union = Distribution()
        for part in parts:
            union.merge(part)
        self.top, self.cut = union.top, union.cut

    def restore_top(self, values: Iterable[int]) -> None:
        """Sets the largest values anew, from all values."""
        self.top, self.cut = [], False
        for value in values:
            self._add_top(value)

    def percentiles(self, *shares: float) -> list[float]:
        """The values in ms at ascending shares (0–1) of the population, by nearest rank, within `ACCURACY`. Needs n > 0."""
        out: list[float] = []
        ranks = iter([max(1, ceil(share * self.n)) for share in shares])
        rank, seen, largest = next(ranks), 0, self.max
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            while seen >= rank:
                value = bucket_value(bucket)
                out.append(value if largest is None else min(value, float(largest)))
                rank = next(ranks, self.n + 1)
        return out

    def packed(self) -> list[Any]:
        return [self.n, self.sum, self.buckets, self.top, self.cut]

    @classmethod
    def unpacked(cls, packed: list[Any]) -> "Distribution":
        """Takes over what `packed` holds, rather than copying it."""
        out = cls()
        out.n, out.sum, out.buckets, out.top, out.cut = packed
        return out


class Tally:
    """Counts and distributions by measure."""

    __slots__ = ("counts", "dists")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.dists: dict[str, Distribution] = {}

    def count(self, measure: str, by: int = 1) -> None:
        total = self.counts.get(measure, 0) + by
        if total:
            self.counts[measure] = total
        else:
            self.counts.pop(measure, None)

    def distribution(self, measure: str) -> Distribution:
        """The distribution of a measure, to add to."""
        dist = self.dists.get(measure)
        if dist is None:
            dist = self.dists[measure] = Distribution()
        return dist

    def value(self, measure: str, value: int) -> None:
        """Adds a value in ms."""
        self.distribution(measure).add(value)

    def merge(self, other: "Tally") -> None:
        for measure, by in other.counts.items():
            self.count(measure, by)
        for measure, dist in other.dists.items():
            self.distribution(measure).merge(dist)

    def unmerge(self, other: "Tally") -> None:
        for measure, by in other.counts.items():
            self.count(measure, -by)
        for measure, dist in other.dists.items():
            mine = self.dists[measure]
            mine.unmerge(dist)
            if not mine.n:
                del self.dists[measure]

    def __bool__(self) -> bool:
        return bool(self.counts or self.dists)

    def __getitem__(self, measure: str) -> int:
        return self.counts.get(measure, 0)

    def total(self, *measures: str) -> int:
        counts = self.counts
        return sum(counts.get(measure, 0) for measure in measures)

    def packed(self) -> list[Any]:
        return [self.counts, {measure: dist.packed() for measure, dist in self.dists.items()}]

    @classmethod
    def unpacked(cls, packed: list[Any]) -> "Tally":
        """Takes over what `packed` holds, rather than copying it."""
        out = cls()
        out.counts = packed[0]
        out.dists = {measure: Distribution.unpacked(dist) for measure, dist in packed[1].items()}
        return out
