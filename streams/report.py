"""The report: exact KPI rows of a recording, by the same facts, contributions and figures as the live tables.

`Recording` collects events by interaction; `report` derives each interaction once, adds its bookings to cells (window × place), and sums cells into the
rows of every segmentation asked for. Rows are exact to the millisecond, since bookings carry their own instants.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import pairwise
from operator import attrgetter
from typing import Any

from streams.calendar_time import local_hour_and_weekday
from streams.contribution import SHARED, Contribution, Span, Where, contribute, wanted
from streams.dimensions import DIMENSIONS
from streams.events import Event, content_hash
from streams.facts import AnyFacts, derive, retracted
from streams.kpis import FAMILIES, NOT_OF_AGENTS, REGISTRY
from streams.kpis.kpi import NO_VALUE, Figure, Kpi, Row
from streams.open_items import OpenItems
from streams.policy import Policy
from streams.tally import TOPS, Distribution, Tally, bucket_of

TIME_DIMENSIONS = ("hour", "weekday")
"""Dimensions of a booking's own local time, in the report only."""

_order = attrgetter("time", "id", "source")
_WHERE = {"queue": 0, "team": 1, "agent": 2}
Segment = tuple[str | None, ...]


@dataclass
class Input:
    """What was read: distinct events, repeats, ids with differing content, records that are no event, and events taken back."""

    events: int = 0
    duplicates: int = 0
    conflicts: int = 0
    dead_letters: int = 0
    retracted: int = 0


@dataclass
class Recording:
    """All events of a recording, by subject. `add` takes them in any order."""

    subjects: dict[str, list[Event]] = field(default_factory=dict)
    first: int | None = None
    last: int | None = None

    def add(self, subject: str, event: Event) -> None:
        events = self.subjects.get(subject)
        if events is None:
            self.subjects[subject] = [event]
        else:
            events.append(event)

    def span(self) -> tuple[int, int] | None:
        """The instants (ms) of the first and the last event."""
        times = [event.time for events in self.subjects.values() for event in events if event.type != "recording.ended"]
        return (min(times), max(times)) if times else None


def distinct(events: list[Event], at: int, counts: Input) -> list[Event]:
    """The counting events before `at`, sorted by (time, id): each (id, source) once, the smaller (time, content) of two contents."""
    if len(events) > 1 or events[0].time >= at:
        events = [event for event in events if event.time < at]
        if len({event.id for event in events}) < len(events):
            events = _united(events, counts)
        events.sort(key=_order)
    counts.events += len(events)
    return events


def _united(events: Iterable[Event], counts: Input) -> list[Event]:
    kept: dict[tuple[str, str], Event] = {}
    conflicts: set[tuple[str, str]] = set()
    for event in events:
        key = (event.id, event.source)
        other = kept.get(key)
        if other is None:
            kept[key] = event
        elif other == event:
            counts.duplicates += 1
        else:
            conflicts.add(key)
            kept[key] = min(other, event, key=lambda e: (e.time, content_hash(e)))
    counts.conflicts += len(conflicts)
    return list(kept.values())


class _Cell:
    """Bookings of one place and window."""

    __slots__ = ("buckets", "counts", "values")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.values: dict[str, list[int]] = {}
        self.buckets: dict[str, list[int]] = {}

    def tally(self) -> Tally:
        tally = Tally()
        tally.counts = self.counts
        for measure, values in self.values.items():
            dist = tally.dists[measure] = Distribution()
            dist.n, dist.sum = len(values), sum(values)
            dist.buckets = dict(Counter(self.buckets[measure]))
            dist.top = nlargest(TOPS, values)[::-1]
            dist.cut = len(values) > TOPS
        return tally

    def merge(self, other: "_Cell") -> None:
        counts = self.counts
        for measure, by in other.counts.items():
            counts[measure] = counts.get(measure, 0) + by
        for measure, values in other.values.items():
            if measure in self.values:
                self.values[measure] += values
                self.buckets[measure] += other.buckets[measure]
            else:
                self.values[measure] = list(values)
                self.buckets[measure] = list(other.buckets[measure])


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
        self.cells: dict[Any, _Cell] = {}
        self.segments: list[dict[Segment, dict[int, _Cell]]] = [{} for _ in self.segmentations]
        self.open: dict[tuple[Segment, Where], list[Any]] = {}
        self.wanted = wanted(policy, self.segmentations)
        self._shared_names = tuple(SHARED[i] for i in self.shared_used)

    def add(self, book: Contribution) -> None:
        """Adds one interaction."""
        shared = tuple(book.shared[i] for i in self.shared_used)
        where_used, whole = self.where_used, len(self.where_used) == 3
        at, starts, last, timed = self.at, self.starts, self.windows[-1][1], self.timed
        single = len(starts) == 1
        first = starts[0]
        key: Any = None
        for time, measure, by, where in book.counts:
            if time >= at:
                continue
            index = -1 if time < first or time >= last else 0 if single else bisect_right(starts, time) - 1
            moment = local_hour_and_weekday(time, self.policy.time_zone) if timed else None
            if key != (index, where, moment):
                key = (index, where, moment)
                cell = self._cell(index, shared, where, moment)
            counts = cell.counts
            counts[measure] = counts.get(measure, 0) + by
        for time, measure, ms, where in book.values:
            if time >= at:
                continue
            index = -1 if time < first or time >= last else 0 if single else bisect_right(starts, time) - 1
            moment = local_hour_and_weekday(time, self.policy.time_zone) if timed else None
            if key != (index, where, moment):
                key = (index, where, moment)
                cell = self._cell(index, shared, where, moment)
            values = cell.values.get(measure)
            if values is None:
                values = cell.values[measure] = []
            values.append(ms)
        if book.joints:
            self._joints(book, shared)
        for span in book.spans:
            if span.start < at and (not single or span.start < last):
                place = span.where if whole else tuple(span.where[i] for i in where_used)
                spans = self.open.setdefault((shared, place), [])  # type: ignore[arg-type]
                if not single or span.end is None or span.end >= last:
                    spans.append(span)

    def _cell(self, index: int, shared: Segment, where: Where, moment: tuple[str, str] | None) -> _Cell:
        key = (index, shared, where if len(self.where_used) == 3 else tuple(where[i] for i in self.where_used), moment)
        cell = self.cells.get(key)
        if cell is None:
            cell = self.cells[key] = _Cell()
        return cell

    def _joints(self, book: Contribution, shared: Segment) -> None:
        for joint in book.joints:
            if joint.time >= self.at:
                continue
            index = bisect_right(self.starts, joint.time) - 1 if self.starts[0] <= joint.time < self.windows[-1][1] else -1
            moment = local_hour_and_weekday(joint.time, self.policy.time_zone) if self.timed else None
            for dims, rows in zip(self.segmentations, self.segments, strict=True):
                sums: dict[Segment, int] = {}
                for where, ms in joint.parts:
                    segment = self._segment(dims, shared, tuple(where[i] for i in self.where_used), moment)
                    sums[segment] = sums.get(segment, 0) + ms
                for segment, ms in sums.items():
                    cell = rows.setdefault(segment, {}).setdefault(index, _Cell())
                    if joint.is_value:
                        cell.values.setdefault(joint.measure, []).append(ms)
                        cell.buckets.setdefault(joint.measure, []).append(bucket_of(ms))
                    else:
                        cell.counts[joint.measure] = cell.counts.get(joint.measure, 0) + 1

    def _segment(self, dims: Sequence[str], shared: Segment, place: Sequence[str | None], moment: tuple[str, str] | None) -> Segment:
        named: dict[str, str | None] = dict(zip(self._shared_names, shared, strict=True))
        for i, value in zip(self.where_used, place, strict=True):
            named[("queue", "team", "agent")[i]] = value
        if moment is not None:
            named["hour"], named["weekday"] = moment
        return tuple(named.get(name) for name in dims)

    def rows(self, kpis: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """The rows, sorted by segmentation, segment and start: {"segment", "start", "end", "kpis"}; start and end in ms."""
        for cell in self.cells.values():
            cell.buckets = {measure: list(map(bucket_of, values)) for measure, values in cell.values.items()}
        out = []
        names = list(kpis) if kpis else list(REGISTRY)
        for dims, rows in zip(self.segmentations, self.segments, strict=True):
            self._fill(dims, rows)
            opened = self._open_by_segment(dims)
            if not dims:
                rows.setdefault((), {})
            for segment in opened:
                rows.setdefault(segment, {})
            for segment in sorted(rows, key=_sortable):
                named = dict(zip(dims, segment, strict=True))
                out += self._segment_rows(named, rows[segment], opened.get(segment, []), names)
        return out

    def _fill(self, dims: tuple[str, ...], rows: dict[Segment, dict[int, _Cell]]) -> None:
        of_agents = "agent" in dims
        for key, cell in self.cells.items():
            segment = self._segment(dims, key[1], key[2], key[3])
            row = rows.get(segment)
            if row is None:
                row = rows[segment] = {}
            if key[0] < 0:
                continue
            mine = row.get(key[0])
            if mine is None:
                mine = row[key[0]] = _Cell()
            mine.merge(cell)
        if of_agents:
            for row in rows.values():
                for cell in row.values():
                    for measure in NOT_OF_AGENTS & cell.counts.keys():
                        del cell.counts[measure]

    def _open_by_segment(self, dims: tuple[str, ...]) -> dict[Segment, list[Any]]:
        out: dict[Segment, list[Any]] = {}
        if any(name in TIME_DIMENSIONS for name in dims):
            return out
        for (shared, place), spans in self.open.items():
            out.setdefault(self._segment(dims, shared, place, None), []).extend(spans)
        return out

    def _segment_rows(self, segment: Mapping[str, str | None], cells: dict[int, _Cell], spans: list[Any], names: Sequence[str]) -> list[dict[str, Any]]:
        """The rows of one segment; what is open is swept along the rows' ends."""
        out = []
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
            out.append({"segment": dict(segment), "start": start, "end": end, "kpis": figures(row, names)})
        return out


def figures(row: Row, names: Iterable[str] = REGISTRY) -> dict[str, Figure]:
    """The KPIs of a row by name."""
    if row.gauges:
        return {name: REGISTRY[name].figure(row) for name in names}
    return {name: dict(NO_VALUE) if _needs_end(REGISTRY[name]) else REGISTRY[name].figure(row) for name in names}


def _needs_end(kpi: Kpi) -> bool:
    return kpi.kind == "gauge" or not kpi.windowed


def _sortable(segment: Segment) -> tuple[tuple[bool, str], ...]:
    return tuple((value is not None, value or "") for value in segment)


def report(recording: Recording, aggregator: Aggregator, counts: Input) -> None:
    """Adds every interaction of a recording; `counts` says what was read."""
    at, ends = aggregator.at, aggregator.ends
    for events in recording.subjects.values():
        known = distinct(events, at, counts)
        if not known:
            continue
        gone = retracted(known)
        if gone:
            counts.retracted += sum((event.id, event.source) in gone for event in known)
        facts = derive(known, aggregator.wanted)
        if facts is None:
            continue
        book = contribute(facts, aggregator.policy, FAMILIES)
        if bisect_left(ends, known[-1].time + 1) > bisect_left(ends, known[0].time + 1):
            book.spans = spans_by_row(known, facts, book.spans, aggregator)
        aggregator.add(book)


def spans_by_row(events: list[Event], final: AnyFacts, spans: list[Span], aggregator: Aggregator) -> list[Span]:
    """What is open at the ends of rows that lie between an interaction's events: the state by the events before each end, with the latest attributes."""
    ends, out = aggregator.ends, []
    for before, (event, following) in enumerate(pairwise(events), 1):
        since, until = event.time, following.time
        if bisect_left(ends, until + 1) == bisect_left(ends, since + 1):
            continue
        facts = derive(events[:before], aggregator.wanted)
        if facts is not None:
            facts.adopt_attributes(final)
            out += _clipped(contribute(facts, aggregator.policy, FAMILIES).spans, since, until)
    return out + _clipped(spans, events[-1].time, None)


def _clipped(spans: list[Span], since: int, until: int | None) -> list[Span]:
    """The parts of spans that hold for row ends after `since`, up to `until`."""
    out = []
    for span in spans:
        start = max(span.start, since)
        end = span.end if until is None or (span.end is not None and span.end < until) else until
        if end is None or end > start:
            out.append(span._replace(start=start, end=end))
    return out
