"""Counters for Prometheus: running totals that never fall, and the goals of each segment.

Totals may fall when a correction takes something back; the counter then keeps its high-water mark. Where partitions have changed hands,
totals are made from the ledgers again, which may have retired what was counted: only what lies above the mark of before is added.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from streams.kpis.service_level import MISSES, WITHIN
from streams.policy import Policy
from streams.segments import histogram_edges
from streams.snapshot import Histogram, SegmentKey

_SOURCES: dict[str, tuple[str, ...]] = {
    "offered": ("offered",),
    "answered": ("answered",),
    "answered_within_target": tuple(WITHIN.values()),
    "missed": MISSES,
    "first_response_breaches": ("frt_breaches",),
}


class Counters:
    """Counters and goals of all segments."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.edges = histogram_edges(policy)
        self._marks: dict[SegmentKey, dict[str, int]] = {}
        self._sums: dict[SegmentKey, dict[str, int]] = {}
        self._goals_of: frozenset[SegmentKey] = frozenset()

    def put(self, segment: SegmentKey, parts: Sequence[Mapping[str, int]], *, moved: bool) -> None:
        """Takes the running totals of a segment: those of all workers. `moved`: partitions have changed hands."""
        totals = parts[0]
        if len(parts) > 1:
            totals = Counter(totals)
            for part in parts[1:]:
                totals.update(part)
        marks = self._marks.get(segment, {})
        if moved:
            marks = {measure: min(mark, totals.get(measure, 0)) for measure, mark in marks.items()}
        sums = self._sums.setdefault(segment, {})
        for measure, total in totals.items():
            mark = marks.get(measure, 0)
            if total > mark:
                sums[measure] = sums.get(measure, 0) + total - mark
                marks[measure] = total
        self._marks[segment] = marks

    def of(self, segment: SegmentKey) -> tuple[dict[str, float], Histogram]:
        """The counters by name, and the histogram of first response times."""
        sums = self._sums.get(segment, {})
        counts = [sums.get(f"frt.{bin}", 0) for bin in range(len(self.edges) + 1)]
        histogram: Histogram = {
            "edges": [edge / 1000 for edge in self.edges], "counts": counts, "sum": sums.get("frt.sum", 0) / 1000, "count": sum(counts),
        }  # fmt: skip
        return {name: float(sum(sums.get(measure, 0) for measure in measures)) for name, measures in _SOURCES.items()}, histogram

    def goals(self, segments: Iterable[SegmentKey]) -> dict[SegmentKey, dict[str, float]]:
        """Goals of all segments if there is a new one, else nothing. A segment has a goal if all that is known in it has the same."""
        known = frozenset(segments)
        if known == self._goals_of:
            return {}
        self._goals_of = known
        needed = self.policy.match_dimensions
        detailed = [dict(zip(dims, values, strict=True)) for dims, values in known if set(needed) <= set(dims)]
        out = {}
        for segment in known:
            wanted = dict(zip(*segment, strict=True))
            inside = [named for named in detailed if wanted.items() <= named.items()]
            targets = {self.policy.target(tuple(named[name] for name in needed)) for named in inside}
            goals: dict[str, float] = {}
            if len({target.goal for target in targets}) == 1:
                goals["service_level"] = next(iter(targets)).goal
            first = {target.first_response_ms for target in targets}
            if len(first) == 1 and (ms := next(iter(first))) is not None:
                goals["first_response_time"] = ms / 1000
            out[segment] = goals
        return out
