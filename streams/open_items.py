"""What is open in a segment: backlog, waiting, response deadlines. Sorted lists, so that ages need no event to move.

`OpenItems` belongs to one ledger partition (or one report); `OpenSummary` is what it says at an instant, and adds up over partitions.
"""

from bisect import bisect_left, insort
from typing import Any

from streams.contribution import Span
from streams.tally import TOPS, Distribution, bucket_of, largest_below

AGE_BOUNDS: tuple[tuple[str, int], ...] = (("1h", 3_600_000), ("4h", 14_400_000), ("1d", 86_400_000), ("7d", 604_800_000))
"""Age buckets: label and largest age (ms) in it; what is older is `older`."""
BACKLOG, WAITING, RESPONSE = "backlog", "waiting", "response"


_FIELDS = (
    "age_buckets",
    "backlog",
    "by_age",
    "oldest",
    "past_target",
    "response_n",
    "response_since",
    "since_sum",
    "soon",
    "waiting",
    "waiting_since",
)


class OpenSummary:
    """What is open at an instant; summaries of several partitions add up.

    Ages are kept as the instants they began at (ms), so that a summary moves with time alone only where a count does.
    """

    __slots__ = _FIELDS

    def __init__(self) -> None:
        self.backlog = 0
        self.since_sum = 0
        self.oldest: list[int] = []
        self.age_buckets: dict[int, int] = {}
        self.by_age = [0] * (len(AGE_BOUNDS) + 1)
        self.waiting = 0
        self.waiting_since: int | None = None
        self.past_target = 0
        self.soon = 0
        self.response_n = 0
        self.response_since = 0

    def __bool__(self) -> bool:
        return bool(self.backlog or self.waiting or self.response_n)

    def merge(self, other: "OpenSummary") -> None:
        self.backlog += other.backlog
        self.since_sum += other.since_sum
        self.oldest = sorted(self.oldest + other.oldest)[:TOPS]
        for bucket, n in other.age_buckets.items():
            self.age_buckets[bucket] = self.age_buckets.get(bucket, 0) + n
        self.by_age = [mine + theirs for mine, theirs in zip(self.by_age, other.by_age, strict=True)]
        self.waiting += other.waiting
        if other.waiting_since is not None and (self.waiting_since is None or other.waiting_since < self.waiting_since):
            self.waiting_since = other.waiting_since
        self.past_target += other.past_target
        self.soon += other.soon
        self.response_n += other.response_n
        self.response_since += other.response_since

    def ages(self, at: int) -> Distribution:
        """The distribution of the backlog's ages (ms)."""
        out = Distribution()
        out.n = self.backlog
        out.sum = at * self.backlog - self.since_sum
        out.buckets = self.age_buckets
        out.restore_top(at - since for since in self.oldest)
        return out

    def packed(self) -> list[Any]:
        """As lists and numbers, for MessagePack."""
        return [getattr(self, name) for name in _FIELDS]

    @classmethod
    def unpacked(cls, packed: list[Any]) -> "OpenSummary":
        out = cls()
        for name, value in zip(_FIELDS, packed, strict=True):
            setattr(out, name, value)
        return out


class OpenItems:
    """The open items of one segment: sorted beginnings of backlog, waiting and response spans, and sorted deadlines."""

    __slots__ = ("backlog", "backlog_sum", "deadlines", "response_n", "response_sum", "waiting")

    def __init__(self) -> None:
        self.backlog: list[int] = []
        self.backlog_sum = 0
        self.waiting: list[int] = []
        self.deadlines: list[int] = []
        self.response_n = 0
        self.response_sum = 0

    def __bool__(self) -> bool:
        return bool(self.backlog or self.waiting or self.response_n)

    def put(self, span: Span, times: int) -> None:
        """So many more of a span are open, or fewer."""
        for _ in range(times):
            self.add(span)
        for _ in range(-times):
            self.take(span)

    def add(self, span: Span) -> None:
        if span.kind == BACKLOG:
            insort(self.backlog, span.since)
            self.backlog_sum += span.since
        elif span.kind == WAITING:
            insort(self.waiting, span.since)
        else:
            self.response_n += 1
            self.response_sum += span.since
            if span.deadline is not None:
                insort(self.deadlines, span.deadline)

    def take(self, span: Span) -> None:
        if span.kind == BACKLOG:
            _remove(self.backlog, span.since)
            self.backlog_sum -= span.since
        elif span.kind == WAITING:
            _remove(self.waiting, span.since)
        else:
            self.response_n -= 1
            self.response_sum -= span.since
            if span.deadline is not None:
                _remove(self.deadlines, span.deadline)

    def summary(self, at: int, horizon: int) -> OpenSummary:
        """What is open at `at` (ms); `horizon` (ms) is how far `breaching_soon` looks."""
        out = OpenSummary()
        out.backlog = len(self.backlog)
        left = out.backlog
        for index, (_, bound) in enumerate(AGE_BOUNDS):
            older = bisect_left(self.backlog, at - bound)
            out.by_age[index] = left - older
            left = older
        out.by_age[-1] = left
        out.since_sum = self.backlog_sum
        out.oldest = self.backlog[:TOPS]
        out.age_buckets = self._age_buckets(at)
        out.waiting = len(self.waiting)
        out.waiting_since = self.waiting[0] if self.waiting else None
        out.past_target = bisect_left(self.deadlines, at)
        out.soon = bisect_left(self.deadlines, at + horizon) - out.past_target
        out.response_n, out.response_since = self.response_n, self.response_sum
        return out

    def _age_buckets(self, at: int) -> dict[int, int]:
        """How many items in each bucket of age: one step a bucket instead of one an item."""
        items, position, buckets = self.backlog, 0, {}
        while position < len(items):
            bucket = bucket_of(at - items[position])
            after = len(items) if bucket < 0 else bisect_left(items, at - largest_below(bucket), position)
            buckets[bucket] = after - position
            position = after
        return buckets


def _remove(items: list[int], value: int) -> None:
    del items[bisect_left(items, value)]
