"""Rolling windows of one segment: panes of three sizes and a running sum a window.

A booking enters a pane of every size that still reaches back to it; a window is the sum of the panes of its own size, kept by adding what
comes and taking back what leaves. So a window never has to be added up anew, and a late or withdrawn booking changes it like a new one.
`Frame` holds what all segments share: where each window begins for the instant at hand.
"""

from collections.abc import Iterable, Iterator

from streams.calendar_time import window_start
from streams.policy import Policy, Window
from streams.tally import Distribution, Tally

SIZES = (1_000, 10_000, 900_000)
"""Pane sizes (ms): for windows up to 5 min, up to an hour, and above."""
FINE_MS, MIDDLE_MS = 300_000, 3_600_000


def level_of(window: Window) -> int:
    """Which of `SIZES` a window is made of."""
    if window.ms is None or window.ms > MIDDLE_MS:
        return 2
    return 0 if window.ms <= FINE_MS else 1


class Frame:
    """Where the windows that end at an instant begin (pane indices), and how far back each level reaches."""

    def __init__(self, policy: Policy, end: int) -> None:
        self.end = end
        self.policy = policy
        self.levels = tuple(level_of(window) for window in policy.windows)
        self.starts = tuple(self.window_start(window) // SIZES[level] for window, level in zip(policy.windows, self.levels, strict=True))
        self.reach = tuple(
            min((start for start, at in zip(self.starts, self.levels, strict=True) if at == level), default=1 << 62)
            for level in range(len(SIZES))
        )
        self.windows_of = tuple(tuple(i for i, at in enumerate(self.levels) if at == level) for level in range(len(SIZES)))

    def window_start(self, window: Window) -> int:
        """The start (ms) of the row of a window: at, or up to one pane before, `end` − its length."""
        if window.ms is None:
            return window_start(self.end - 1, window.name, self.policy.time_zone, self.policy.week_starts)
        size = SIZES[level_of(window)]
        return (self.end - window.ms) // size * size

    def level(self, time: int) -> int | None:
        """The finest level that still reaches back to an instant; None: older than every window."""
        for level, size in enumerate(SIZES):
            if time // size >= self.reach[level]:
                return level
        return None


class Delta:
    """Bookings that came and went, of one pane and place, since the last flush."""

    __slots__ = ("counts", "values")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.values: list[tuple[str, int, int]] = []

    def without(self, measures: frozenset[str]) -> "Delta":
        """The same without some counts."""
        out = Delta()
        out.counts = {measure: by for measure, by in self.counts.items() if measure not in measures}
        out.values = self.values
        return out

    def add(self, other: "Delta") -> None:
        """Adds what another delta of the same pane holds."""
        counts = self.counts
        for measure, by in other.counts.items():
            counts[measure] = counts.get(measure, 0) + by
        self.values += other.values

    def into(self, tally: Tally) -> None:
        counts = tally.counts
        for measure, by in self.counts.items():
            total = counts.get(measure, 0) + by
            if total:
                counts[measure] = total
            else:
                counts.pop(measure, None)
        for measure, ms, sign in self.values:
            tally.value(measure, ms, sign)


class Windows:
    """The panes and window sums of one segment."""

    __slots__ = ("dirty", "frame", "panes", "sums")

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.panes: tuple[dict[int, Tally], ...] = ({}, {}, {})
        self.sums = [Tally() for _ in frame.starts]
        self.dirty = True

    def apply(self, level: int, time: int, delta: Delta) -> None:
        """Adds a delta whose bookings lie in the pane of `level` that holds `time`."""
        frame = self.frame
        self.dirty = True
        for coarser in range(level, len(SIZES)):
            index = time // SIZES[coarser]
            if index < frame.reach[coarser]:
                continue
            panes = self.panes[coarser]
            pane = panes.get(index)
            if pane is None:
                pane = panes[index] = Tally()
            delta.into(pane)
            for window in frame.windows_of[coarser]:
                if index >= frame.starts[window]:
                    delta.into(self.sums[window])

    def roll(self, frame: Frame) -> None:
        """Moves all windows on to a later instant."""
        old, self.frame = self.frame, frame
        for window, (before, start) in enumerate(zip(old.starts, frame.starts, strict=True)):
            if start > before:
                self._leave(window, frame.levels[window], before, start)
        for level, panes in enumerate(self.panes):
            if panes and old.reach[level] < frame.reach[level]:
                for index in [index for index in panes if index < frame.reach[level]]:
                    del panes[index]

    def _leave(self, window: int, level: int, before: int, start: int) -> None:
        panes = self.panes[level]
        if not panes or not self.sums[window]:
            return
        indices: Iterable[int] = (
            range(before, start) if start - before < len(panes) else [index for index in panes if before <= index < start]
        )
        for index in indices:
            pane = panes.get(index)
            if pane:
                self.sums[window].unmerge(pane)
                self.dirty = True

    def lost(self) -> Iterator[tuple[int, str]]:
        """Windows and measures whose maximum has to be found again."""
        for window, tally in enumerate(self.sums):
            for measure, dist in tally.dists.items():
                if dist.lost_max:
                    yield window, measure

    def inside(self, window: int, measure: str) -> list[tuple[int, Distribution]]:
        """The panes of a window that hold a measure: index and distribution."""
        start, panes = self.frame.starts[window], self.panes[self.frame.levels[window]]
        return [(index, pane.dists[measure]) for index, pane in panes.items() if index >= start and measure in pane.dists]

    @property
    def empty(self) -> bool:
        return not any(self.panes)
