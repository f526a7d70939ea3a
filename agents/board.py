"""The board: the latest state of the centre in memory, read by the web pages, the API, the metrics page and the Redis publisher.

Every reader follows it in the same way: it remembers the sequence number it has seen and asks for what changed since. So a slow reader
gets the newest state and there is no queue to overflow. `publish` may be called from any thread; readers may live on any loop or thread.
"""

import asyncio
import secrets
import threading
import time
from collections.abc import Callable, Iterable

import msgspec

from agents.board_views import Change, Status, View
from streams.calendar_time import rfc3339
from streams.snapshot import CENTRE, Alert, Dims, Histogram, Row, RowKey, SegmentKey, Snapshot

STALE_AFTER_S = 5.0
"""Without a snapshot for longer than this the state is stale."""
_REMEMBERED_REMOVALS = 50_000
"""Removed rows known to readers that resume; one that has missed more gets the whole state."""


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Board:
    """Latest state in memory. `monotonic` (seconds) judges staleness, `wall` (ms) only says since when; both are injected in tests."""

    def __init__(
        self, *, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], int] = _wall_ms, epoch: str | None = None
    ) -> None:
        self.epoch = epoch or secrets.token_hex(4)
        """Names this board: a sequence number of another one means nothing here."""
        self._monotonic = monotonic
        self._wall = wall
        self._lock = threading.Lock()
        self._seq = 0
        self._floor = 0
        self._last: Snapshot | None = None
        self._received = 0.0
        self._received_wall = 0
        self._rows: dict[RowKey, Row] = {}
        self._row_seq: dict[RowKey, int] = {}
        self._groups: dict[tuple[Dims, str], dict[RowKey, None]] = {}
        self._segments: dict[SegmentKey, dict[str, None]] = {}
        self._removed: dict[RowKey, int] = {}
        self._goals: dict[SegmentKey, dict[str, float]] = {}
        self._counters: dict[SegmentKey, dict[str, float]] = {}
        self._histogram: dict[SegmentKey, Histogram] = {}
        self._alerts: list[Alert] = []
        self._alerts_seq = 0
        self._waiters: dict[asyncio.AbstractEventLoop, set[asyncio.Future[None]]] = {}

    @property
    def seq(self) -> int:
        """Number of snapshots published so far."""
        return self._seq

    # --- writing

    def publish(self, snapshot: Snapshot, age_s: float = 0.0) -> None:
        """Merge a snapshot and wake every reader. `age_s`: how long ago it was made, where it was read from a store."""
        with self._lock:
            self._seq += 1
            if snapshot.full:
                self._forget_all_but(snapshot)
            for key, row in snapshot.changed.items():
                if row is None:
                    self._remove(key)
                else:
                    self._put(key, row)
            self._merge_goals(snapshot)
            self._counters.update(snapshot.counters)
            self._histogram.update(snapshot.histogram)
            if snapshot.alerts != self._alerts:
                self._alerts = snapshot.alerts
                self._alerts_seq = self._seq
            # The rows live on in the board; keeping them here as well would hold the replaced ones in memory.
            self._last = msgspec.structs.replace(snapshot, changed={}, counters={}, histogram={}, goals={}, alerts=[])
            self._received = self._monotonic() - age_s
            self._received_wall = self._wall() - int(age_s * 1000)
            loops = list(self._waiters)
        for loop in loops:
            try:
                loop.call_soon_threadsafe(self._wake, loop)
            except RuntimeError:  # the loop of those readers is closed: nobody is left to wake
                with self._lock:
                    self._waiters.pop(loop, None)

    def _put(self, key: RowKey, row: Row) -> None:
        key = RowKey(*key)
        if key not in self._rows:
            self._groups.setdefault((key.by, key.window), {})[key] = None
            self._segments.setdefault((key.by, key.values), {})[key.window] = None
            self._removed.pop(key, None)
        self._rows[key] = row
        self._row_seq[key] = self._seq

    def _remove(self, key: RowKey) -> None:
        key = RowKey(*key)
        if self._rows.pop(key, None) is None:
            return
        del self._row_seq[key]
        group = self._groups[key.by, key.window]
        del group[key]
        if not group:
            del self._groups[key.by, key.window]
        segment = (key.by, key.values)
        windows = self._segments[segment]
        del windows[key.window]
        if not windows:
            for mapping in (self._segments, self._goals, self._counters, self._histogram):
                mapping.pop(segment, None)
        self._removed[key] = self._seq
        while len(self._removed) > _REMEMBERED_REMOVALS:
            oldest = next(iter(self._removed))
            self._floor = max(self._floor, self._removed.pop(oldest))

    def _forget_all_but(self, snapshot: Snapshot) -> None:
        for key in [key for key in self._rows if key not in snapshot.changed]:
            self._remove(key)
        self._counters, self._histogram = {}, {}
        for segment in [segment for segment in self._goals if segment not in snapshot.goals]:
            self._set_goals(segment, {})

    def _merge_goals(self, snapshot: Snapshot) -> None:
        for segment, goals in snapshot.goals.items():
            if self._goals.get(segment, {}) != goals:
                self._set_goals(segment, goals)

    def _set_goals(self, segment: SegmentKey, goals: dict[str, float]) -> None:
        """A goal is shown with its row, so a changed goal is a changed row."""
        if goals:
            self._goals[segment] = goals
        else:
            self._goals.pop(segment, None)
        for window in self._segments.get(segment, ()):
            self._row_seq[RowKey(*segment, window)] = self._seq

    # --- following

    async def newer_than(self, seq: int, timeout_s: float) -> int:
        """The sequence number, as soon as it is above `seq` or the time is up."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            if self._seq > seq:
                return self._seq
            waiting = self._waiters.setdefault(loop, set())
            waiting.add(future)
        try:
            await asyncio.wait((future,), timeout=timeout_s)
        finally:
            with self._lock:
                waiting.discard(future)
                if not waiting and self._waiters.get(loop) is waiting:
                    del self._waiters[loop]
        return self._seq

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            waiting = self._waiters.pop(loop, set())
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def changes(self, since: int | None, keys: Iterable[RowKey] | None = None, groups: Iterable[tuple[Dims, str]] = ()) -> Change:
        """What changed after `since` in the rows `keys` and in all rows of `groups` (segmentation, window); in every row without either.

        `since` None, or one this board no longer knows, gives the whole state."""
        with self._lock:
            if since is not None and not self._floor <= since <= self._seq:
                since = None
            wanted: dict[RowKey, None] | dict[RowKey, Row]
            groups = set(groups)
            if keys is None and not groups:
                wanted = self._rows
            else:
                wanted = dict.fromkeys(keys or ())
                for group in groups:
                    wanted.update(self._groups.get(group, {}))
            after = -1 if since is None else since
            rows = {key: self._stamped(key) for key in wanted if self._row_seq.get(key, -1) > after}
            removed = []
            if since is not None:
                everything = keys is None and not groups
                removed = [
                    key
                    for key, at in self._removed.items()
                    if at > since and (everything or key in wanted or (key.by, key.window) in groups)
                ]
            goals = {segment: self._goals[segment] for segment in {(key.by, key.values) for key in rows} if segment in self._goals}
            return Change(since, self._seq, rows, removed, goals, self._alerts, self._alerts_seq > after, self._last, len(self._rows))

    # --- reading

    def row(self, segment: SegmentKey, window: str) -> Row | None:
        """The row of a segment and window with its present start and end; None when there is none."""
        key = RowKey(*segment, window)
        with self._lock:
            return self._stamped(key) if key in self._rows else None

    def _stamped(self, key: RowKey) -> Row:
        row = self._rows[key]
        span = self._last.spans.get(key.window) if self._last else None
        return row if span is None else {**row, "start": span[0], "end": span[1]}

    def goals(self, segment: SegmentKey = CENTRE) -> dict[str, float]:
        """Goals and targets of a segment by KPI, in the KPI's unit."""
        return self._goals.get(segment, {})

    def segments(self) -> dict[SegmentKey, tuple[str, ...]]:
        """Every segment there is and the windows it has rows of."""
        with self._lock:
            return {segment: tuple(windows) for segment, windows in self._segments.items()}

    def segmentations(self) -> set[Dims]:
        """Every combination of dimensions there is; `()` is the whole centre."""
        with self._lock:
            return {by for by, _ in self._groups}

    def alerts(self) -> list[Alert]:
        """Every alert that is pending, firing or lately resolved."""
        return self._alerts

    def stale_in(self) -> float | None:
        """Seconds until the state is stale, 0 when it is; None when it cannot become so."""
        if self._last is None or self._last.final:
            return None
        return max(0.0, self._received + STALE_AFTER_S - self._monotonic())

    def status(self) -> Status:
        """How far the figures can be believed, now."""
        with self._lock:
            last = self._last
            if last is None:
                return Status("starting", None, 0, None, False, (), False, None, ())
            stale = self.stale_in() == 0.0
            word = next(
                word
                for word, holds in (
                    ("stale", stale),
                    ("rebuilding", last.rebuilding),
                    ("incomplete", not last.complete),
                    ("final", last.final),
                    ("live", True),
                )
                if holds
            )
            since = rfc3339(self._received_wall // 1000 * 1000, last.time_zone) if stale else None
            windows = last.windows or tuple(dict.fromkeys(window for _, window in self._groups))
            at = rfc3339(last.at, last.time_zone)
            return Status(word, at, last.tick, last.policy, last.complete, last.missing, last.rebuilding, since, windows)

    def view(self) -> View:
        """A consistent copy for the metrics page."""
        with self._lock:
            return View(
                self._last.at if self._last else None,
                self.stale_in() == 0.0,
                dict(self._rows),
                {segment: tuple(windows) for segment, windows in self._segments.items()},
                dict(self._goals),
                dict(self._counters),
                dict(self._histogram),
                self._alerts,
            )
