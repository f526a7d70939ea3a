"""Cells: the bookings and open items of one place, and their way into the segments that the place lies in.

An entry is what is booked at one instant: (ms, measures) of counts, (ms, measures, value) of values. What gathered since the last flush is
walked once, from the newest to the oldest: at the beginning of each window the sum so far is what enters it. Windows are nested, so each
entry is added up once, however many windows there are. What leaves a fine window is read from the log of the last hour, what leaves a
longer one from panes of 15 minutes. What is taken back leaves log, panes and windows as if it had never been. What opened and closed
between two flushes reaches no segment.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any, Protocol

from streams.contribution import Span
from streams.kpis.response import FIRST
from streams.open_items import OpenItems
from streams.tally import Distribution, Tally
from streams.windows import PANE_MS, Frame

Entry = tuple[Any, ...]
_time = itemgetter(0)
_ALWAYS = 1 << 62


class Sink(Protocol):
    """What a cell adds to: a segment."""

    sums: list[Tally]
    open: OpenItems
    totals: dict[str, int]
    dirty: bool


class Part:
    """Entries added up, before their measures are told apart."""

    __slots__ = ("counts", "values")

    def __init__(self) -> None:
        self.counts: dict[Any, int] = {}
        self.values: dict[Any, Distribution] = {}

    def add(self, entry: Entry) -> None:
        measures = entry[1]
        if len(entry) == 2:
            self.counts[measures] = self.counts.get(measures, 0) + 1
        else:
            dist = self.values.get(measures)
            if dist is None:
                dist = self.values[measures] = Distribution()
            dist.add(entry[2])

    def tally(self, left_out: frozenset[str]) -> Tally:
        out = Tally()
        for measures, n in self.counts.items():
            for measure in measures:
                if measure not in left_out:
                    out.count(measure, n)
        for measures, dist in self.values.items():
            for measure in measures:
                out.distribution(measure).merge(dist)
        return out


class Cell:
    """The bookings and open items of one place."""

    __slots__ = ("fresh", "left_out", "log", "opened", "panes", "sinks", "taken", "windows")

    def __init__(self, sinks: Sequence[Sink], left_out: frozenset[str], windows: Sequence[bool]) -> None:
        self.sinks = sinks
        self.left_out = left_out
        """Counts that its segments do not have."""
        self.windows = windows
        """Which windows its segments have."""
        self.fresh: list[Any] = []
        """Entries since the last flush."""
        self.taken: list[Any] = []
        """Entries taken back since the last flush."""
        self.opened: dict[Span, int] = {}
        """How many more of a span have opened since the last flush than are no longer open."""
        self.log: list[Any] = []
        """Entries that fine windows still reach, in the order of their instants."""
        self.panes: dict[int, Tally] = {}
        """Sums by 15 minutes, as far as the longer windows reach."""

    @property
    def waits(self) -> bool:
        """Whether anything has gathered since the last flush."""
        return bool(self.fresh or self.taken or self.opened)

    def open(self, span: Span, times: int) -> None:
        """Something opens (1) or is no longer open (−1)."""
        total = self.opened.get(span, 0) + times
        if total:
            self.opened[span] = total
        else:
            del self.opened[span]

    def flush(self, frame: Frame, edges: Sequence[int]) -> None:
        """Brings what has gathered to the segments. What was added comes first: an amount that only moves does not leave a gap."""
        fresh, taken = self.fresh, self.taken
        self.fresh, self.taken = [], []
        if fresh:
            self._spread(fresh, frame, edges, 1)
            self._note(fresh, frame.fine_reach)
        if taken:
            self._spread(taken, frame, edges, -1)
            for entry in taken:
                self._strike(entry)
        opened, self.opened = self.opened, {}
        for sink in self.sinks:
            sink.dirty = True
            for span, times in opened.items():
                sink.open.put(span, times)

    def _spread(self, entries: list[Any], frame: Frame, edges: Sequence[int], sign: int) -> None:
        """Adds entries, or takes them back. Leaves them sorted from the newest to the oldest."""
        entries.sort(key=_time, reverse=True)
        order, windows = frame.order, len(frame.order)
        window, pane, edge = 0, 0, _ALWAYS
        part, whole = Part(), Tally()
        for entry in entries:
            time: int = entry[0]
            if time < edge:
                self._close(part, pane, frame, whole, sign)
                part = Part()
                while window < windows and order[window][0] > time:
                    self._enter(order[window][1], whole, sign)
                    window += 1
                pane = time // PANE_MS
                edge = pane * PANE_MS
                if window < windows and order[window][0] > edge:
                    edge = order[window][0]
            part.add(entry)
        self._close(part, pane, frame, whole, sign)
        while window < windows:
            self._enter(order[window][1], whole, sign)
            window += 1
        self._run_on(whole.counts, sign)
        if FIRST in whole.dists:
            self._run_on(_histogram(entries, edges), sign)

    def _close(self, part: Part, pane: int, frame: Frame, whole: Tally, sign: int) -> None:
        """Adds a part to its pane and to the whole of what enters the windows."""
        tally = part.tally(self.left_out)
        if not tally:
            return
        whole.merge(tally)
        if pane * PANE_MS >= frame.pane_reach:
            mine = self.panes.get(pane)
            if mine is None:
                mine = self.panes[pane] = Tally()
            if sign > 0:
                mine.merge(tally)
            else:
                mine.unmerge(tally)

    def _enter(self, window: int, whole: Tally, sign: int) -> None:
        if not whole or not self.windows[window]:
            return
        for sink in self.sinks:
            if sign > 0:
                sink.sums[window].merge(whole)
            else:
                sink.sums[window].unmerge(whole)

    def _run_on(self, counts: dict[str, int], sign: int) -> None:
        for sink in self.sinks:
            totals = sink.totals
            for measure, by in counts.items():
                totals[measure] = totals.get(measure, 0) + by * sign

    def _note(self, fresh: list[Any], reach: int) -> None:
        """Adds to the log what fine windows reach; `fresh` is sorted from the newest to the oldest."""
        log, count = self.log, len(fresh)
        while count and fresh[count - 1][0] < reach:
            count -= 1
        if count * 8 < len(log):
            for entry in fresh[:count]:
                log.insert(bisect_left(log, (entry[0] + 1,)), entry)
            return
        behind = bool(log) and count > 0 and fresh[count - 1][0] < log[-1][0]
        log += fresh[count - 1 :: -1] if count else ()
        if behind:
            log.sort(key=_time)

    def _strike(self, entry: Entry) -> None:
        """Takes the measures of an entry out of the log, as far as they are still there; they may stand in other company."""
        log = self.log
        for measure in entry[1]:
            at = bisect_left(log, (entry[0],))
            while at < len(log) and log[at][0] == entry[0]:
                held = log[at]
                if len(held) == len(entry) and measure in held[1] and held[2:] == entry[2:]:
                    rest = list(held[1])
                    rest.remove(measure)
                    if rest:
                        log[at] = (held[0], tuple(rest), *held[2:])
                    else:
                        del log[at]
                    break
                at += 1

    # -- the clock

    def roll(self, before: Frame, after: Frame, anew: Sequence[bool]) -> None:
        """Takes out of each window what has left it; a window that is made `anew`, and is empty, gets what is still in it."""
        for window, start in enumerate(after.starts):
            old = before.starts[window]
            if start == old or not self.windows[window]:
                continue
            moved = self._sum(window, start, _ALWAYS, after) if anew[window] else self._sum(window, old, start, after)
            if moved:
                for sink in self.sinks:
                    sink.dirty = True
                    if anew[window]:
                        sink.sums[window].merge(moved)
                    else:
                        sink.sums[window].unmerge(moved)
        log = self.log
        if log and log[0][0] < after.fine_reach:
            del log[: bisect_left(log, (after.fine_reach,))]
        if before.pane_reach != after.pane_reach:
            for pane in [pane for pane in self.panes if pane * PANE_MS < after.pane_reach]:
                del self.panes[pane]

    def _sum(self, window: int, start: int, end: int, frame: Frame) -> Tally:
        """The bookings within [start, end)."""
        if frame.fine[window]:
            log = self.log
            part = Part()
            if log and log[-1][0] >= start and log[0][0] < end:
                for entry in log[bisect_left(log, (start,)) : bisect_left(log, (end,))]:
                    part.add(entry)
            return part.tally(self.left_out)
        out = Tally()
        for pane, tally in self.panes.items():
            if start <= pane * PANE_MS < end:
                out.merge(tally)
        return out

    # -- maxima

    def values(self, measure: str, start: int) -> Iterator[int]:
        """The values of a measure in the log from an instant on."""
        for entry in self.log[bisect_left(self.log, (start,)) :]:
            if len(entry) == 3 and measure in entry[1]:
                yield entry[2]

    def distributions(self, measure: str, start: int) -> Iterator[tuple[int, Distribution]]:
        """The distributions of a measure in the panes from an instant on: beginning of the pane (ms) and distribution."""
        for pane, tally in self.panes.items():
            if pane * PANE_MS >= start and measure in tally.dists:
                yield pane * PANE_MS, tally.dists[measure]


def _histogram(entries: Sequence[Entry], edges: Sequence[int]) -> dict[str, int]:
    """The first responses among entries by the edges that they lie below, and their sum (ms)."""
    bins: dict[int, int] = {}
    total = 0
    for entry in entries:
        if len(entry) == 3 and FIRST in entry[1]:
            ms: int = entry[2]
            at = bisect_left(edges, ms)
            bins[at] = bins.get(at, 0) + 1
            total += ms
    return {"frt.sum": total, **{f"frt.{at}": count for at, count in bins.items()}}
