"""The segments of one partition: for each combination of attribute values its windows, open items and running totals.

Bookings gather in cells, one a place (`streams.cells`), and reach the segments when one of these is told. Places are told apart only as far
as segmentations do, and those by agent have cells of their own: else every agent would be a place of its own for all others too.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from streams.cells import Cell, Entry
from streams.contribution import SHARED, Joint, Shared, Span, Where
from streams.kpis import NOT_OF_AGENTS
from streams.policy import Policy
from streams.segment import Segment, Values
from streams.tally import Tally
from streams.turns import is_told
from streams.windows import PANE_MS, Frame

OTHER = "other"
"""The value of every dimension in the segment that takes what exceeds `max_segments`."""
EDGES = (1, 2.5, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 28800, 86400)
"""Edges (s) of the first-response histogram; every threshold of the policy is added."""
_PLACES = 200_000
"""Places whose cells are remembered at most."""

_NAMES = (*SHARED, "queue", "team", "agent")


def histogram_edges(policy: Policy) -> list[int]:
    """Edges in ms, with one on every service-level and first-response threshold."""
    edges = {round(edge * 1000) for edge in EDGES}
    for rule in policy.targets:
        edges.update(rule.sets[name] for name in ("within_ms", "first_response_ms") if rule.sets.get(name))
    return sorted(edges)


class Group:
    """Segmentations that share their cells, which leave some counts out."""

    __slots__ = ("cells", "left_out", "segmentations")

    def __init__(self, segmentations: Sequence[tuple[str, ...]], left_out: frozenset[str]) -> None:
        self.segmentations = segmentations
        self.left_out = left_out
        self.cells: dict[tuple[Segment, ...], Cell] = {}
        """By the segments that they add to: places beyond `max_segments` share theirs."""


class Segments:
    """All segments of one partition."""

    def __init__(self, policy: Policy, frame: Frame) -> None:
        self.policy = policy
        self.frame = frame
        self.edges = histogram_edges(policy)
        self.by_key: dict[tuple[tuple[str, ...], Values], Segment] = {}
        self.overflow: set[tuple[tuple[str, ...], Values]] = set()
        """Segments beyond the policy's `max_segments`, whose bookings go to `other`; at most as many are remembered."""
        self.cells: list[Cell] = []
        of_agents, others = ([dims for dims in policy.row_segmentations if ("agent" in dims) == so] for so in (True, False))
        self._groups = [Group(others, frozenset()), *([Group(of_agents, NOT_OF_AGENTS)] if of_agents else ())]
        self._places: dict[Shared, dict[Where, list[Cell]]] = {}
        self._known = 0
        """How many places are remembered."""
        self._measures: dict[tuple[str, ...], tuple[str, ...]] = {}

    # -- which segments

    def holds(self, segment: Segment, shared: Shared, where: Where) -> bool:
        """Whether a place lies in a segment."""
        return any(segment is each for cell in self.cells_of(shared, where) for each in cell.sinks)

    def cells_of(self, shared: Shared, where: Where) -> list[Cell]:
        """The cells of a place, one a group."""
        places = self._places.get(shared)
        if places is None:
            places = self._places[shared] = {}
        found = places.get(where)
        if found is None:
            named = dict(zip(_NAMES, (*shared, *where), strict=True))
            found = [self._cell(group, named) for group in self._groups]
            if self._known >= _PLACES:
                self._places, places, self._known = {}, {}, 0
                self._places[shared] = places
            places[where] = found
            self._known += 1
        return found

    def _cell(self, group: Group, named: dict[str, str | None]) -> Cell:
        segments = tuple([self._segment(dims, tuple([named[name] for name in dims])) for dims in group.segmentations])
        cell = group.cells.get(segments)
        if cell is None:
            cell = group.cells[segments] = self._new_cell(segments, group.left_out)
        return cell

    def _new_cell(self, segments: Sequence[Segment], left_out: frozenset[str] = frozenset()) -> Cell:
        cell = Cell(segments, left_out, self.policy.windows_of(segments[0].dims))
        self.cells.append(cell)
        for segment in segments:
            segment.cells.append(cell)
        return cell

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
            segment = self.by_key[key] = Segment(*key, len(self.frame.starts))
        return segment

    # -- what happens

    def book(self, shared: Shared, bookings: list[Any]) -> None:
        """Adds bookings."""
        for where, run in _runs(bookings):
            entries = self._entries(run)
            for cell in self.cells_of(shared, where):
                cell.fresh += entries

    def take_back(self, shared: Shared, bookings: list[Any]) -> None:
        """Takes back bookings that were added."""
        for where, run in _runs(bookings):
            entries = self._entries(run)
            for cell in self.cells_of(shared, where):
                cell.taken += entries

    def _entries(self, bookings: list[Any]) -> list[Any]:
        """Bookings of one place as entries of cells: those of one instant, and of one instant and value, are one."""
        counts: dict[int, list[str]] = {}
        values: dict[tuple[int, int], list[str]] = {}
        for booking in bookings:
            time: int = booking[0]
            if len(booking) == 4:
                values.setdefault((time, booking[3]), []).append(booking[1])
            else:
                counts.setdefault(time, []).append(booking[1])
        one = self._one
        out: list[Any] = [(time, one(tuple(measures))) for time, measures in counts.items()]
        for (time, ms), measures in values.items():
            out.append((time, one(tuple(measures)), ms))
        return out

    def _one(self, measures: tuple[str, ...]) -> tuple[str, ...]:
        """One object for all measures that are booked together: there are few such sets, and millions of entries."""
        return self._measures.setdefault(measures, measures)

    def join(self, shared: Shared, joint: Joint, times: int) -> None:
        """A booking of which each segment takes the sum of the parts that lie in it, once."""
        sums: dict[int, tuple[Segment, int]] = {}
        for where, ms in joint.parts:
            for cell in self.cells_of(shared, where):
                for segment in cell.sinks:
                    assert isinstance(segment, Segment)
                    _, so_far = sums.get(id(segment), (segment, 0))
                    sums[id(segment)] = (segment, so_far + ms)
        for segment, ms in sums.values():
            if segment.own is None:
                segment.own = self._new_cell([segment])
            measures = self._one((joint.measure,))
            entry: Entry = (joint.time, measures, ms) if joint.is_value else (joint.time, measures)
            (segment.own.fresh if times > 0 else segment.own.taken).append(entry)

    def parts_of(self, cell: Cell, shared: Shared, joint: Joint) -> list[int]:
        """What a joint booking of a value adds to a segment's own cell: one sum, or nothing."""
        segment = cell.sinks[0]
        assert isinstance(segment, Segment)
        parts = [ms for where, ms in joint.parts if segment.own is cell and self.holds(segment, shared, where)]
        return [sum(parts)] if parts else []

    def open(self, shared: Shared, span: Span, times: int) -> None:
        """Something opens (1) or is no longer open (−1)."""
        for cell in self.cells_of(shared, span.where):
            cell.open(span, times)

    def roll(self, frame: Frame) -> None:
        """Moves every window on to the frame's instant. A window that loses more than it keeps is made anew from what it keeps."""
        before, self.frame = self.frame, frame
        if before.starts == frame.starts:
            return
        anew = [start - old > before.end - start for start, old in zip(frame.starts, before.starts, strict=True)]
        for window, fresh in enumerate(anew):
            if fresh:
                for segment in self.by_key.values():
                    if segment.sums[window]:
                        segment.sums[window] = Tally()
                        segment.dirty = True
        for cell in self.cells:
            if cell.log or cell.panes:
                cell.roll(before, frame, anew)

    # -- what is told

    def forget_sent(self) -> None:
        """Lets `changed` give every segment once more."""
        for segment in self.by_key.values():
            segment.sent = None
            segment.dirty = True

    def changed(
        self, values_of: Callable[[Cell, str, int, int], list[int]], ticks: tuple[int, int] | None = None
    ) -> Iterator[tuple[bytes, bytes | None]]:
        """(key, packed partial row) of each segment that changed and has its turn after the first of two ticks and up to the second; of all
        that changed without ticks.

        `values_of` finds all values of a measure, for a maximum that was taken back.
        """
        horizon = self.policy.breaching_soon_ms
        for segment in self.by_key.values():
            if ticks is not None and not is_told(segment.turns, segment.turn, *ticks):
                continue
            for cell in segment.cells:
                if cell.waits:
                    cell.flush(self.frame, self.edges)
            if not segment.dirty and (not segment.open or self.frame.end == segment.told_at):
                continue
            segment.told_at = self.frame.end
            if segment.dirty:
                self._restore_maxima(segment, values_of)
                segment.dirty = False
            packed = segment.partial_row(self.frame.end, horizon)
            if packed != segment.sent:
                segment.sent = packed
                yield segment.key, packed

    def _restore_maxima(self, segment: Segment, values_of: Callable[[Cell, str, int, int], list[int]]) -> None:
        """Finds the largest values again where all that were known have left or were taken back."""
        for window, tally in enumerate(segment.sums):
            start = self.frame.starts[window]
            for measure, dist in tally.dists.items():
                if not dist.lost_max:
                    continue
                if self.frame.fine[window]:
                    dist.restore_top([ms for cell in segment.cells for ms in cell.values(measure, start)])
                    continue
                parts = []
                for cell in segment.cells:
                    for begin, part in cell.distributions(measure, start):
                        if part.lost_max:
                            part.restore_top(values_of(cell, measure, begin, begin + PANE_MS))
                        parts.append(part)
                dist.adopt_tops(parts)


def _runs(bookings: list[Any]) -> Iterator[tuple[Where, list[Any]]]:
    """Bookings by their places; most of an interaction's are of one."""
    if not bookings:
        return
    here = bookings[0][2]
    begin = 0
    for at, booking in enumerate(bookings):
        where = booking[2]
        if where is not here and where != here:
            yield here, bookings[begin:at]
            here, begin = where, at
    yield here, bookings[begin:] if begin else bookings
