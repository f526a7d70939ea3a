"""The snapshot: what the rollup publishes a few times a second, and all that screens, metrics and Redis know of the centre.

A snapshot hands over what changed since the one before; `agents.board.Board` merges it into the whole state. Rows are report rows
(INTERFACE, "Report") and are never altered once handed over.
"""

from typing import Any, NamedTuple, TypeAlias, TypedDict

import msgspec

Dims: TypeAlias = tuple[str, ...]
"""The dimensions of a segmentation, in the policy's order; `()` is the whole centre."""
Values: TypeAlias = tuple[str | None, ...]
"""The values of one segment, one a dimension; `None` where the attribute is missing."""
SegmentKey: TypeAlias = tuple[Dims, Values]
Row: TypeAlias = dict[str, Any]
"""One row of the report: `{"segment", "start", "end", "window", "kpis"}`."""
Alert: TypeAlias = dict[str, Any]
"""One alert object, as on the `alerts` topic."""

CENTRE: SegmentKey = ((), ())
"""The whole centre."""


class RowKey(NamedTuple):
    """Which row: segmentation, segment, window."""

    by: Dims
    values: Values
    window: str


class Histogram(TypedDict):
    """A classic histogram: `edges` are upper bounds in seconds (inclusive, rising), `counts` what fell between an edge and the one before
    (not cumulated; a further entry for what lies above the last edge is allowed), `sum` in seconds, `count` all values."""

    edges: list[float]
    counts: list[int]
    sum: float
    count: int


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The centre at one instant, as a change to the snapshot before."""

    at: int
    """The instant the rows are true for, ms since the epoch."""
    tick: int
    policy: str
    """Version of the policy."""
    complete: bool = True
    missing: tuple[int, ...] = ()
    """Partitions that have not reached this tick; their last known part is still in the rows."""
    rebuilding: bool = False
    """Panes are being rebuilt after a start, a rebalance or a changed policy: figures may be too low."""
    changed: dict[RowKey, Row | None] = {}
    """New or changed rows; `None` takes a row away. A row is unchanged when its `kpis` are, although its span moves: see `spans`."""
    full: bool = False
    """`changed`, `counters`, `histogram` and `goals` are the whole state: forget what is not in them."""
    alerts: list[Alert] = []
    """Every alert that is pending, firing or lately resolved."""
    counters: dict[SegmentKey, dict[str, float]] = {}
    """Counters of new or changed segments by name without `_total`; they never fall."""
    histogram: dict[SegmentKey, Histogram] = {}
    """First response times of new or changed segments."""
    goals: dict[SegmentKey, dict[str, float]] = {}
    """Per new or changed segment the goal or target of a KPI in that KPI's unit: `{"service_level": 0.8, "first_response_time": 20.0}`.
    Only where the whole segment has one and the same."""
    spans: dict[str, tuple[str, str]] = {}
    """`start` and `end` (RFC 3339) that the rows of a window have in this snapshot, the unchanged ones included."""
    windows: tuple[str, ...] = ()
    """The policy's windows in its order."""
    time_zone: str = "UTC"
    """The policy's time zone: instants are shown in it."""
    final: bool = False
    """The recording has ended and this is its last state: it does not become stale."""
