"""The segments of one partition: for each combination of attribute values its windows, open items and running totals.

Bookings are gathered by pane and place first and reach their segments once a tick, so many bookings of one place cost one update a segment.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from streams.contribution import SHARED, Joint, Shared, Span, Where
from streams.kpis import NOT_OF_AGENTS
from streams.kpis.response import FIRST
from streams.open_items import OpenItems
from streams.policy import Policy
from streams.windows import SIZES, Delta, Frame, Windows

PARTIAL_VERSION = 1
OTHER = "other"
"""The value of every dimension in the segment that takes what exceeds `max_segments`."""
EDGES = (1, 2.5, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 28800, 86400)
"""Edges (s) of the first-response histogram; every threshold of the policy is added."""

_encode = msgspec.msgpack.Encoder().encode
_PLACE = {"queue": 0, "team": 1, "agent": 2}
Values = tuple[str | None, ...]


def segment_key(dims: tuple[str, ...], values: Values) -> bytes:
    """A segment's key on topics."""
    return _encode((dims, values))


def histogram_edges(policy: Policy) -> list[int]:
    """Edges in ms, with one on every service-level and first-response threshold."""
    edges = {round(edge * 1000) for edge in EDGES}
    for rule in policy.targets:
        edges.update(rule.sets[name] for name in ("within_ms", "first_response_ms") if rule.sets.get(name))
    return sorted(edges)


class Segment:
    """One segment of one partition."""

    __slots__ = ("dims", "key", "of_agents", "open", "sent", "totals", "values", "windows")

    def __init__(self, dims: tuple[str, ...], values: Values, frame: Frame) -> None:
        self.dims = dims
        self.values = values
        self.of_agents = "agent" in dims
        self.key = segment_key(dims, values)
        self.windows = Windows(frame)
        self.open = OpenItems()
        self.totals: dict[str, int] = {}
        self.sent: bytes | None = None

    def take(self, level: int | None, time: int, delta: Delta, edges: list[int]) -> None:
        """A delta of the pane that holds `time`; no level: too old for every window, but not for the running totals."""
        totals = self.totals
        for measure, by in delta.counts.items():
            totals[measure] = totals.get(measure, 0) + by
        for measure, ms, sign in delta.values:
            if measure == FIRST:
                bin = f"frt.{bisect_left(edges, ms)}"
                totals[bin] = totals.get(bin, 0) + sign
                totals["frt.sum"] = totals.get("frt.sum", 0) + sign * ms
        if level is not None:
            self.windows.apply(level, time, delta)


class Segments:
    """All segments of one partition."""

    def __init__(self, policy: Policy, frame: Frame) -> None:
        self.policy = policy
        self.frame = frame
        self.edges = histogram_edges(policy)
        self.by_key: dict[tuple[tuple[str, ...], Values], Segment] = {}
        self.gone: list[bytes] = []
        self.overflow: set[tuple[tuple[str, ...], Values]] = set()
        """Segments beyond the policy's `max_segments`, whose bookings go to `other`; at most as many are remembered."""
        self.deltas: dict[tuple[int | None, int, Shared, Where], Delta] = {}
        self.joint_deltas: list[tuple[Segment, int | None, int, Delta]] = []
        self._told_at = -1
        self._places: dict[tuple[Shared, Where], tuple[Segment, ...]] = {}

    # -- which segments

    def values(self, dims: tuple[str, ...], shared: Shared, where: Where) -> Values:
        """The values of some dimensions."""
        return tuple(where[_PLACE[name]] if name in _PLACE else shared[SHARED.index(name)] for name in dims)

    def holds(self, segment: Segment, shared: Shared, where: Where) -> bool:
        """Whether a place lies in a segment."""
        return segment in self.of(shared, where)

    def of(self, shared: Shared, where: Where) -> tuple[Segment, ...]:
        """The segments, one a segmentation, that a place lies in."""
        found = self._places.get((shared, where))
        if found is None:
            found = tuple(self._segment(dims, self.values(dims, shared, where)) for dims in self.policy.row_segmentations)
            if len(self._places) > 200_000:
                self._places.clear()
            self._places[shared, where] = found
        return found

    def _segment(self, dims: tuple[str, ...], values: Values) -> Segment:
        key = (dims, values)
        segment = self.by_key.get(key)
        if segment is None:
            if dims and len(self.by_key) >= self.policy.max_segments:
                if len(self.overflow) < self.policy.max_segments:
                    self.overflow.add(key)
                key = (dims, (OTHER,) * len(dims))
                segment = self.by_key.get(key)
                if segment is not None:
                    return segment
            segment = self.by_key[key] = Segment(*key, self.frame)
        return segment

    # -- what happens

    def book(self, shared: Shared, booking: tuple[Any, ...], times: int) -> None:
        """Adds (times > 0) or takes back a booking: (time, measure, amount, where[, is a value])."""
        time, measure, amount, where = booking[:4]
        delta = self._delta(time, shared, where)
        if len(booking) == 5:
            delta.values += [(measure, amount, 1 if times > 0 else -1)] * abs(times)
        else:
            delta.counts[measure] = delta.counts.get(measure, 0) + amount * times

    def _delta(self, time: int, shared: Shared, where: Where) -> Delta:
        level = self.frame.level(time)
        pane = 0 if level is None else time // SIZES[level] * SIZES[level]
        key = (level, pane, shared, where)
        delta = self.deltas.get(key)
        if delta is None:
            delta = self.deltas[key] = Delta()
        return delta

    def join(self, shared: Shared, joint: Joint, times: int) -> None:
        """A booking of which each segment takes the sum of the parts that lie in it, once."""
        sums: dict[int, tuple[Segment, int]] = {}
        for where, ms in joint.parts:
            for segment in self.of(shared, where):
                _, so_far = sums.get(id(segment), (segment, 0))
                sums[id(segment)] = (segment, so_far + ms)
        for segment, ms in sums.values():
            delta = Delta()
            if joint.is_value:
                delta.values.append((joint.measure, ms, times))
            else:
                delta.counts[joint.measure] = times
            self.joint_deltas.append((segment, self.frame.level(joint.time), joint.time, delta))

    def open(self, shared: Shared, span: Span, times: int) -> None:
        """Something opens (1) or is no longer open (−1)."""
        for segment in self.of(shared, span.where):
            (segment.open.add if times > 0 else segment.open.take)(span)
            segment.windows.dirty = True

    def flush(self) -> None:
        """Brings what has gathered to the segments, once a segment and pane."""
        gathered: dict[tuple[Segment, int | None, int], list[Delta]] = {}
        for (level, pane, shared, where), delta in self.deltas.items():
            plain: Delta | None = None
            for segment in self.of(shared, where):
                mine = delta
                if segment.of_agents:
                    mine = plain = plain or delta.without(NOT_OF_AGENTS)
                gathered.setdefault((segment, level, pane), []).append(mine)
        for (segment, level, pane), deltas in gathered.items():
            whole = deltas[0]
            if len(deltas) > 1:
                whole = Delta()
                for delta in deltas:
                    whole.add(delta)
            segment.take(level, pane, whole, self.edges)
        for segment, level, time, delta in self.joint_deltas:
            segment.take(level, time, delta, self.edges)
        self.deltas.clear()
        self.joint_deltas.clear()

    def roll(self, frame: Frame) -> None:
        """Flushes, then moves every window on to the frame's instant."""
        self.flush()
        self.frame = frame
        for segment in self.by_key.values():
            segment.windows.roll(frame)

    # -- what is told

    def forget_sent(self) -> None:
        """Lets `changed` give every segment once more."""
        for segment in self.by_key.values():
            segment.sent = None
            segment.windows.dirty = True

    def changed(self, values_of: Callable[[Segment, str, int, int], list[int]]) -> Iterator[tuple[bytes, bytes | None]]:
        """(key, packed partial row) of each segment that changed. `values_of` finds all values of a measure, for a maximum that was taken
        back."""
        horizon = self.policy.breaching_soon_ms
        for segment in self.by_key.values():
            windows = segment.windows
            if not windows.dirty and (not segment.open or self.frame.end == self._told_at):
                continue
            if windows.dirty:
                self._restore_maxima(segment, values_of)
                windows.dirty = False
            summary = segment.open.summary(self.frame.end, horizon)
            packed = _encode((PARTIAL_VERSION, [tally.packed() for tally in windows.sums], segment.totals, summary.packed()))
            if packed != segment.sent:
                segment.sent = packed
                yield segment.key, packed
        self._told_at = self.frame.end

    def _restore_maxima(self, segment: Segment, values_of: Callable[[Segment, str, int, int], list[int]]) -> None:
        windows = segment.windows
        for window, measure in list(windows.lost()):
            parts = windows.inside(window, measure)
            size = SIZES[windows.frame.levels[window]]
            for index, dist in parts:
                if dist.lost_max:
                    dist.restore_top(values_of(segment, measure, index * size, (index + 1) * size))
            dist = windows.sums[window].dists[measure]
            dist.adopt_tops(part for _, part in parts)
            if dist.lost_max:
                for index, part in parts:
                    part.restore_top(values_of(segment, measure, index * size, (index + 1) * size))
                dist.adopt_tops(part for _, part in parts)
