"""What a KPI is: a name, a unit, a kind, and the figure it makes of a row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from streams.open_items import OpenSummary
from streams.tally import Distribution, Tally

Figure = dict[str, Any]
Kind = Literal["count", "ratio", "distribution", "gauge"]
Unit = Literal["count", "ratio", "seconds", "per_hour"]

NO_VALUE: Figure = {"value": None, "n": 0}
NO_DISTRIBUTION: Figure = {"value": None, "n": 0, "sum": None, "mean": None, "p50": None, "p90": None, "p95": None, "max": None}


@dataclass(frozen=True)
class Row:
    """What a figure is made of: the bookings in [start, end) and what was open at `end` (both ms)."""

    tally: Tally
    open: OpenSummary
    start: int
    end: int
    gauges: bool = True
    """False where the row has no end to speak of, as that of an hour of the day: what needs the state at the end has no value."""


@dataclass(frozen=True)
class Kpi:
    """One KPI of the contract. `figure` gives its JSON object (INTERFACE "Report"); `help` is one sentence for people."""

    name: str
    unit: Unit
    kind: Kind
    help: str
    figure: Callable[[Row], Figure]
    windowed: bool = True
    """False for a gauge, which says the same whatever the window is."""


def count(tally_of: Callable[[Row], int]) -> Callable[[Row], Figure]:
    """A count: {"value"}; 0 is a value."""
    return lambda row: {"value": tally_of(row)}


def ratio(numerator: float, denominator: float) -> Figure:
    """{"value", "numerator", "n"}; a denominator of 0 or less is no value."""
    if denominator <= 0:
        return dict(NO_VALUE)
    return {"value": numerator / denominator, "numerator": numerator, "n": denominator}


def share(numerator: float, denominator: float) -> float | None:
    """A plain ratio, None without a population."""
    return numerator / denominator if denominator > 0 else None


def distribution(dist: Distribution | None) -> Figure:
    """{"n", "sum", "mean", "p50", "p90", "p95", "max"} in seconds."""
    if dist is None or dist.n <= 0:
        return dict(NO_DISTRIBUTION)
    p50, p90, p95 = dist.percentiles(0.50, 0.90, 0.95)
    return {
        "n": dist.n,
        "sum": dist.sum / 1000,
        "mean": dist.sum / dist.n / 1000,
        "p50": p50 / 1000,
        "p90": p90 / 1000,
        "p95": p95 / 1000,
        "max": None if dist.max is None else dist.max / 1000,
    }


def spread(measure: str) -> Callable[[Row], Figure]:
    """The distribution of a measure."""
    return lambda row: distribution(row.tally.dists.get(measure))
