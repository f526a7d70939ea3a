"""Sums contributions into the rows of a report: cells of one place and window first, then the segments of every segmentation."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from streams.calendar_time import local_hour_and_weekday
from streams.contribution import SHARED, Contribution, Span, Where, wanted
from streams.figures import figures
from streams.kpis import NOT_OF_AGENTS, REGISTRY
from streams.kpis.kpi import Row
from streams.open_items import OpenItems
from streams.policy import Policy
from streams.tally import Distribution, Tally, bucket_of

TIME_DIMENSIONS = ("hour", "weekday")
"""Dimensions of a booking's own local time, in the report only."""

_WHERE = {"queue": 0, "team": 1, "agent": 2}
Segment = tuple[str | None, ...]


class Cell:
    """Bookings of one place and window. `buckets` are those of the values, as far as `sort_into_buckets` has come."""

    __slots__ = ("buckets", "counts", "values")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.values: dict[str, list[int]] = {}
        self.buckets: dict[str, list[int]] = {}

    def sort_into_buckets(self) -> None:
        """Done once a value, before the cell is merged into many segments."""
        for measure, values in self.values.items():
            known = self.buckets.setdefault(measure, [])
            known += map(bucket_of, values[len(known) :])

    def tally(self) -> Tally:
        tally = Tally()
        tally.counts = self.counts
        for measure, values in self.values.items():
            dist = tally.dists[measure] = Distribution()
            dist.n, dist.sum = len(values), sum(values)
            dist.buckets = dict(Counter(self.buckets[measure]))
            dist.top, dist.cut = [max(values)], len(values) > 1  # nothing is taken back here, so the others are not asked for
        return tally

    def merge(self, other: "Cell") -> None:
        counts = self.counts
        for measure, by in other.counts.items():
            counts[measure] = counts.get(measure, 0) + by
        for measure, values in other.values.items():
            if measure in self.values:
                self.values[measure] += values
            else:
                self.values[measure] = list(values)
        for measure, buckets in other.buckets.items():
            if measure in self.buckets:
                self.buckets[measure] += buckets
            else:
                self.buckets[measure] = list(buckets)


Cells = dict[tuple[int, Segment, Segment, tuple[str, ...]], Cell]


class Aggregator:
    """Sums contributions into rows. `windows` are half-open, ascending and without gaps; `segmentations` are dimension lists."""

    def __init__(self, policy: Policy, at: int, windows: Sequence[tuple[int, int]], segmentations: Sequence[Sequence[str]]) -> None:
        self.policy = policy
        self.at = at
        self.windows = windows
        self.starts = [start for start, _ in windows]
        self.ends = [min(end, at) for _, end in windows]
        self.segmentations = [tuple(dims) for dims in segmentations]
        needed = {name for dims in self.segmentations for name in dims}
        self.shared_used = tuple(i for i, name in enumerate(SHARED) if name in needed)
        self.where_used = tuple(i for name, i in _WHERE.items() if name in needed)
        self.timed = any(name in needed for name in TIME_DIMENSIONS)
        self.cells: Cells = {}
        self.segments: list[dict[Segment, dict[int, Cell]]] = [{} for _ in self.segmentations]
        self.open: dict[tuple[Segment, Segment], list[Span]] = {}
        self.wanted = wanted(policy, self.segmentations)
        names = [*(SHARED[i] for i in self.shared_used), *(name for name, i in _WHERE.items() if i in self.where_used), *TIME_DIMENSIONS]
        self._picks = [tuple(map(names.index, dims)) for dims in self.segmentations]
        """Of each segmentation: where its dimensions are in the attributes of a cell (shared, place, moment)."""

    def add(self, book: Contribution) -> None:
        """Adds one interaction."""
        shared = tuple([book.shared[i] for i in self.shared_used])
        if len(self.starts) == 1 and not self.timed:
            self._add_whole(book, shared)
        else:
            self._add_by_window(book, shared)
        if book.joints:
            self._joints(book, shared)
        last = self.ends[-1]
        for span in book.spans:
            if span.start < last:
                self.open.setdefault((shared, self._place(span.where)), []).append(span)

    def _add_whole(self, book: Contribution, shared: Segment) -> None:
        """The usual case of a single row: most bookings of an interaction are of one place and lie in the row."""
        first, last = self.starts[0], self.ends[0]
        here: Where | None = None
        cell: Any = None
        for time, measure, where in book.counts:
            if first <= time < last:
                if where != here:
                    here, cell = where, self._cell(0, shared, where, ())
                    counts = cell.counts
                counts[measure] = counts.get(measure, 0) + 1
            elif time < self.at:
                self._cell(-1, shared, where, ())
        for time, measure, where, ms in book.values:
            if first <= time < last:
                if where != here:
                    here, cell = where, self._cell(0, shared, where, ())
                values = cell.values.get(measure)
                if values is None:
                    values = cell.values[measure] = []
                values.append(ms)
            elif time < self.at:
                self._cell(-1, shared, where, ())

    def _add_by_window(self, book: Contribution, shared: Segment) -> None:
        at, zone, timed = self.at, self.policy.time_zone, self.timed
        for time, measure, where in book.counts:
            if time < at:
                counts = self._cell(self._window(time), shared, where, local_hour_and_weekday(time, zone) if timed else ()).counts
                counts[measure] = counts.get(measure, 0) + 1
        for time, measure, where, ms in book.values:
            if time < at:
                cell = self._cell(self._window(time), shared, where, local_hour_and_weekday(time, zone) if timed else ())
                cell.values.setdefault(measure, []).append(ms)

    def _window(self, time: int) -> int:
        """The index of the row that holds an instant; −1: none, but the segment has a row all the same."""
        return bisect_right(self.starts, time) - 1 if self.starts[0] <= time < self.windows[-1][1] else -1

    def finish(self) -> None:
        """Does the part of making rows that needs no other shard."""
        for cell in self.cells.values():
            cell.sort_into_buckets()

    def merge(
        self, cells: Cells, segments: Sequence[dict[Segment, dict[int, Cell]]], spans: Mapping[tuple[Segment, Segment], list[Span]]
    ) -> None:
        """Adds the `cells`, `segments` and `open` of an aggregator of the same rows that has taken other interactions."""
        for key, cell in cells.items():
            mine = self.cells.get(key)
            if mine is None:
                self.cells[key] = cell
            else:
                mine.merge(cell)
        for rows, theirs in zip(self.segments, segments, strict=True):
            for segment, by_window in theirs.items():
                for index, cell in by_window.items():
                    rows.setdefault(segment, {}).setdefault(index, Cell()).merge(cell)
        for place, opened in spans.items():
            self.open.setdefault(place, []).extend(opened)

    def _cell(self, index: int, shared: Segment, where: Where, moment: tuple[str, ...]) -> Cell:
        key = (index, shared, self._place(where), moment)
        cell = self.cells.get(key)
        if cell is None:
            cell = self.cells[key] = Cell()
        return cell

    def _place(self, where: Where) -> Segment:
        used = self.where_used
        return where if len(used) == 3 else tuple([where[i] for i in used])

    def _joints(self, book: Contribution, shared: Segment) -> None:
        for joint in book.joints:
            if joint.time >= self.at:
                continue
            index = self._window(joint.time)
            moment = local_hour_and_weekday(joint.time, self.policy.time_zone) if self.timed else ()
            parts = [((*shared, *self._place(where), *moment), ms) for where, ms in joint.parts]
            for picks, rows in zip(self._picks, self.segments, strict=True):
                sums: dict[Segment, int] = {}
                for attributes, ms in parts:
                    segment = tuple([attributes[i] for i in picks])
                    sums[segment] = sums.get(segment, 0) + ms
                for segment, ms in sums.items():
                    cell = rows.setdefault(segment, {}).setdefault(index, Cell())
                    if joint.is_value:
                        cell.values.setdefault(joint.measure, []).append(ms)
                        cell.buckets.setdefault(joint.measure, []).append(bucket_of(ms))
                    else:
                        cell.counts[joint.measure] = cell.counts.get(joint.measure, 0) + 1

    def rows(self, kpis: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """The rows, sorted by segmentation, segment and start: {"segment", "start", "end", "kpis"}; start and end in ms."""
        return list(self.each_row(kpis))

    def each_row(self, kpis: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """The rows one by one, for a caller that does not keep them: a row takes some 20 kB."""
        self.finish()
        names = list(kpis) if kpis else list(REGISTRY)
        for dims, picks, rows in zip(self.segmentations, self._picks, self.segments, strict=True):
            self._fill(dims, picks, rows)
            opened = self._open_by_segment(dims, picks)
            if not dims:
                rows.setdefault((), {})
            for segment in opened:
                rows.setdefault(segment, {})
            for segment in sorted(rows, key=_sortable):
                named = dict(zip(dims, segment, strict=True))
                yield from self._segment_rows(named, rows[segment], opened.get(segment, []), names)
            rows.clear()

    def _fill(self, dims: tuple[str, ...], picks: Sequence[int], rows: dict[Segment, dict[int, Cell]]) -> None:
        of_agents = "agent" in dims
        for key, cell in self.cells.items():
            attributes = (*key[1], *key[2], *key[3])
            segment = tuple([attributes[i] for i in picks])
            row = rows.get(segment)
            if row is None:
                row = rows[segment] = {}
            if key[0] < 0:
                continue
            mine = row.get(key[0])
            if mine is None:
                mine = row[key[0]] = Cell()
            mine.merge(cell)
        if of_agents:
            for row in rows.values():
                for cell in row.values():
                    for measure in NOT_OF_AGENTS.intersection(cell.counts):
                        del cell.counts[measure]

    def _open_by_segment(self, dims: tuple[str, ...], picks: Sequence[int]) -> dict[Segment, list[Any]]:
        out: dict[Segment, list[Any]] = {}
        if any(name in TIME_DIMENSIONS for name in dims):
            return out
        for (shared, place), spans in self.open.items():
            attributes = (*shared, *place)
            out.setdefault(tuple([attributes[i] for i in picks]), []).extend(spans)
        return out

    def _segment_rows(
        self, segment: Mapping[str, str | None], cells: dict[int, Cell], spans: list[Any], names: Sequence[str]
    ) -> Iterator[dict[str, Any]]:
        """The rows of one segment; what is open is swept along the rows' ends."""
        gauges = not any(name in TIME_DIMENSIONS for name in segment)
        items = OpenItems()
        coming = sorted(spans, key=lambda span: span.start)
        leaving = sorted((span for span in spans if span.end is not None), key=lambda span: span.end)
        came = left = 0
        for index, (start, nominal) in enumerate(self.windows):
            end = min(nominal, self.at)
            while came < len(coming) and coming[came].start < end:
                items.add(coming[came])
                came += 1
            while left < len(leaving) and leaving[left].end < end:
                items.take(leaving[left])
                left += 1
            cell = cells.get(index)
            tally = cell.tally() if cell is not None else Tally()
            row = Row(tally, items.summary(end, self.policy.breaching_soon_ms), start, end, gauges)
            yield {"segment": dict(segment), "start": start, "end": end, "kpis": figures(row, names)}


def _sortable(segment: Segment) -> tuple[tuple[bool, str], ...]:
    return tuple((value is not None, value or "") for value in segment)
