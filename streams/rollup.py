"""The rollup: partial rows of all workers, summed into rows of one tick.

A partial row is state, not a difference: it replaces the one before, so a lost or repeated one does no harm. Changes wait until their tick
is published. A row of tick k is published when every partition has reached k, or, two ticks later, as incomplete: those that are missing
keep their last part, and are named (`streams.holders`).
"""

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from streams.calendar_time import rfc3339
from streams.counters import Counters
from streams.events import StoredVersionError
from streams.holders import Holder, Holders
from streams.kpis import REGISTRY
from streams.kpis.kpi import Figure
from streams.kpis.kpi import Row as KpiRow
from streams.open_items import OpenSummary
from streams.policy import Policy
from streams.segment import PARTIAL_VERSION, segment_key
from streams.snapshot import Row, RowKey, SegmentKey, Snapshot
from streams.tally import Tally
from streams.turns import turn_of
from streams.windows import Frame

GRACE_TICKS = 2
REFRESHED_A_TICK = 25
"""How many segments that nothing changed are made anew each tick, in turn, or a fortieth if that is more: ends must not fall far behind.
Where somebody waits that is every tick: the wait grows without events."""
AGENTS_A_TICK = 150
"""Of how many agents rows are made in a tick: where tens of thousands change, those of queues must not wait for theirs."""

_decode = msgspec.msgpack.Decoder().decode
_decode_key = msgspec.msgpack.Decoder(tuple[tuple[str, ...], tuple[str | None, ...]]).decode


class Part(NamedTuple):
    """A worker's part of a segment."""

    sums: list[Tally]
    totals: dict[str, int]
    open: OpenSummary


def read_partial(packed: bytes) -> Part | None:
    """Decodes a partial row; None for an older form that is read no more. Raises `StoredVersionError` for a newer one."""
    version, *parts = _decode(packed)
    if version > PARTIAL_VERSION:
        raise StoredVersionError(
            f"partial row of format {version}, but this release reads format {PARTIAL_VERSION}: a newer worker wrote it. Run that release "
            "on all workers; or, to go back, stop them all, delete the topic partials and start the older ones, which fill it anew."
        )
    if version < PARTIAL_VERSION:
        return None
    sums, totals, summary = parts
    return Part([Tally.unpacked(each) for each in sums], totals, OpenSummary.unpacked(summary))


class Rollup:
    """Sums the parts of workers. `partitions` is how many there are; ticks are whole numbers that all workers count alike."""

    def __init__(self, policy: Policy, partitions: int, *, agents_a_tick: int = AGENTS_A_TICK) -> None:
        self.policy = policy
        self._agents_a_tick = agents_a_tick
        self.holders = Holders(partitions)
        self.parts: dict[SegmentKey, dict[Holder, Part]] = {}
        self.rows: dict[RowKey, Row] = {}
        self.counters = Counters(policy)
        self.published = -1
        self.refused = 0
        self._dirty: set[SegmentKey] = set()
        self._later: dict[SegmentKey, Frame] = {}
        """Segments of agents that wait for their rows, with the instant that their parts are of."""
        self._by_turn: dict[tuple[int, int], deque[SegmentKey]] = {}
        self._full = True
        self._was_final = False

    def put(self, lead: int, epoch: int, tick: int, key: bytes, packed: bytes | None) -> None:
        """A partial row of who tells under the number of partition `lead`, or None: the segment has become empty there."""
        holder = self.holders.find(lead, epoch)
        if holder is not None:
            holder.put(tick, _decode_key(key), packed)

    def reached(
        self, lead: int, epoch: int, tick: int, now: int, policy: str = "", *, ended: bool = False, held: Mapping[int, int] | None = None
    ) -> None:
        """All rows of a tick are sent; `now` (ms) is the instant they are true for. `held`: which partitions they are of, in which epochs;
        else `lead` alone."""
        holder = self.holders.find(lead, epoch)
        held = held or {lead: epoch}
        before = self.holders.last_tick(held)
        if holder is None or not self.holders.claim(holder, held):
            return
        if tick < before:  # rows go on from there, rather than once that clock has caught up
            self.published = min(self.published, tick - 1)
        holder.policy = policy
        holder.reach(tick, now, ended)

    def ready(self) -> Snapshot | None:
        """The snapshot of the newest tick that can be published, or None."""
        ticks = self.holders.ticks()
        tick = min(ticks)
        if tick <= self.published:
            tick = max(ticks) - GRACE_TICKS
            if tick <= self.published:
                return None
        return self._publish(tick)

    def _publish(self, tick: int) -> Snapshot:
        moved = self._take(tick)
        missing = self.holders.missing(tick)
        shown = self.holders.shown
        told = [holder.instants[0] for holder in shown]
        at = max([reach.now for reach in told], default=0)
        final = all(reach.ended for reach in told) and not missing
        if not final:
            self._refresh(tick)
        elif not self._was_final:
            self._dirty.update(self.parts)
        self._was_final = final
        frame = Frame(self.policy, at)
        changed: dict[RowKey, Row | None] = {}
        counters, histogram = {}, {}
        goals = self.counters.goals(self.parts)
        for segment, of in self._chosen(frame, everything=final):
            parts = self.parts.get(segment)
            if not parts:
                self.parts.pop(segment, None)
                for window in self.policy.windows:
                    key = RowKey(*segment, window.name)
                    if self.rows.pop(key, None) is not None:
                        changed[key] = None
                continue
            for key, row in self._rows(segment, list(parts.values()), of):
                changed[key] = self.rows[key] = row
            if "agent" not in segment[0]:  # people are no labels
                self.counters.put(segment, [part.totals for part in parts.values()], moved=moved)
                counters[segment], histogram[segment] = self.counters.of(segment)
        full, self._full, self.published = self._full, False, tick
        versions = {holder.policy for holder in shown}
        return Snapshot(
            at=at, tick=tick, policy=self.policy.version, complete=not missing and versions <= {self.policy.version}, missing=missing,
            rebuilding=not all(holder.shown for holder in self.holders), changed=changed, full=full,
            counters=counters, histogram=histogram, goals=goals, windows=tuple(window.name for window in self.policy.windows),
            time_zone=self.policy.time_zone, final=final,
        )  # fmt: skip

    def _chosen(self, frame: Frame, *, everything: bool) -> Iterable[tuple[SegmentKey, Frame]]:
        """The segments whose rows are made now: all that have changed, but of agents only some, who has waited longest first."""
        later = self._later
        chosen = []
        for segment in self._dirty:
            if "agent" in segment[0]:
                later[segment] = frame
            else:
                chosen.append((segment, frame))
        self._dirty = set()
        return chosen + [(segment, later.pop(segment)) for segment in list(islice(later, None if everything else self._agents_a_tick))]

    def _refresh(self, tick: int) -> None:
        """Marks, of the segments that are told in this tick, those in which somebody waits, and the next of the others in turn. In another
        tick their rows would bear an instant that their parts are not of."""
        for (turns, turn), members in self._by_turn.items():
            if tick % turns != turn:
                continue
            some = min(max(REFRESHED_A_TICK, len(members) * turns // 40), len(members))
            if members and "agent" in members[0][0]:
                some = min(some, max(0, self._agents_a_tick - len(self._later)))
            for _ in range(some):
                segment = members.popleft()
                if segment in self.parts:
                    members.append(segment)
                    self._dirty.add(segment)
            waiting = [each for each in members if any(part.open.waiting for part in self.parts.get(each, {}).values())]
            self._dirty.update(waiting)

    def _take(self, tick: int) -> bool:
        """Takes in what was told up to a tick; whether partitions have changed hands in it."""
        going = self.holders.replace(tick)
        for holder in going:
            for segment, of in self.parts.items():
                if of.pop(holder, None) is not None:
                    self._dirty.add(segment)
        for holder in self.holders:
            for segment, packed in holder.taken(tick):
                parts = self.parts.get(segment)
                if parts is None:
                    parts = self.parts[segment] = {}
                    self._by_turn.setdefault(turn_of(segment[0], segment_key(*segment)), deque()).append(segment)
                part = None if packed is None else read_partial(packed)
                if part is None:
                    self.refused += packed is not None
                    parts.pop(holder, None)
                else:
                    parts[holder] = part
                self._dirty.add(segment)
        return bool(going)

    def _rows(self, segment: SegmentKey, parts: list[Part], frame: Frame) -> list[tuple[RowKey, Row]]:
        dims, values = segment
        summary = parts[0].open
        if len(parts) > 1:
            summary = OpenSummary()
            for part in parts:
                summary.merge(part.open)
        named: dict[str, Any] = dict(zip(dims, values, strict=True))
        zone = self.policy.time_zone
        end = rfc3339(frame.end, zone)
        out = []
        gauges: dict[str, Figure] | None = None
        shown = self.policy.windows_of(dims)
        for index, window in enumerate(self.policy.windows):
            if not shown[index]:
                continue
            tally = parts[0].sums[index]
            if len(parts) > 1:
                tally = Tally()
                for part in parts:
                    tally.merge(part.sums[index])
            start = frame.window_start(window)
            whole = KpiRow(tally, summary, start, frame.end)
            if gauges is None:
                gauges = {name: kpi.figure(whole) for name, kpi in REGISTRY.items() if not kpi.windowed}
            kpis = {name: gauges.get(name) or kpi.figure(whole) for name, kpi in REGISTRY.items()}
            row = {"segment": named, "start": rfc3339(start, zone), "end": end, "window": window.name, "kpis": kpis}
            out.append((RowKey(dims, values, window.name), row))
        return out
