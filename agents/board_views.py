"""What the board gives its readers: how far to believe it, what has changed, and a copy of it all."""

import msgspec

from streams.snapshot import Alert, Histogram, Row, RowKey, SegmentKey, Snapshot


class Status(msgspec.Struct, frozen=True):
    """What a viewer must know before believing a figure. Instants are RFC 3339 in the policy's time zone."""

    status: str
    """`starting`, `live`, `incomplete`, `rebuilding`, `stale` or `final`: the first word a screen shows."""
    at: str | None
    tick: int
    policy: str | None
    complete: bool
    missing: tuple[int, ...]
    rebuilding: bool
    stale_since: str | None
    """Wall-clock time of the last snapshot, once it is older than five seconds."""
    windows: tuple[str, ...]


class Change(msgspec.Struct, frozen=True):
    """What happened to the rows after `since`; `since` None: this is everything."""

    since: int | None
    seq: int
    rows: dict[RowKey, Row]
    removed: list[RowKey]
    goals: dict[SegmentKey, dict[str, float]]
    """Of the segments in `rows`."""
    alerts: list[Alert]
    alerts_changed: bool
    snapshot: Snapshot | None
    """The last snapshot without its rows, goals, alerts and counters; None before the first."""
    total: int
    """How many rows the board has at `seq`."""


class View(msgspec.Struct, frozen=True):
    """A consistent copy of the state, safe to read in another thread."""

    at: int | None
    stale: bool
    rows: dict[RowKey, Row]
    segments: dict[SegmentKey, tuple[str, ...]]
    goals: dict[SegmentKey, dict[str, float]]
    counters: dict[SegmentKey, dict[str, float]]
    histogram: dict[SegmentKey, Histogram]
    alerts: list[Alert]
