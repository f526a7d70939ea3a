"""One row's counts as the KPI figures of the contract."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

BUCKETS = ("1h", "4h", "1d", "7d", "older")
NO_COUNTS = (0,) * 27
MODES = ("included", "ignored", "positive", "handled_only")


def quotient(numerator: float, n: float) -> float | None:
    return numerator / n if n > 0 else None


def ratio(numerator: int, n: int) -> dict[str, Any]:
    return {"value": quotient(numerator, n), "numerator": numerator, "n": max(0, n)}


def distribution(figures: Sequence[Any] | None) -> dict[str, Any]:
    """From (n, sum, max, p50, p90, p95) in milliseconds; percentiles are ranges."""
    if figures is None:
        return {"n": 0, "sum": None, "mean": None, "p50": None, "p90": None, "p95": None, "max": None}
    n, total, most, *percentiles = figures
    p50, p90, p95 = ([v / 1000 for v in one] for one in percentiles)
    return {"n": n, "sum": total / 1000, "mean": total / 1000 / n, "p50": p50, "p90": p90, "p95": p95, "max": most / 1000}


@dataclass(slots=True)
class Cell:
    start: int
    end: int
    gauges: bool
    counts: Sequence[int] = NO_COUNTS
    distributions: dict[str, Sequence[Any]] = field(default_factory=dict)
    waiting: Sequence[Any] = (0, 0, None, 0, 0)
    backlog: Sequence[Any] | None = None

    def kpis(self) -> dict[str, Any]:
        offered, answered, missed, abandoned, short, within, missed_within, events, top, base = self.counts[:10]
        breaches, handled, opened, resolved, reopened, due, met, after_hours = self.counts[10:18]
        dialled, reached, calls, held, transferred, in_hours, solves, reopens, _ = self.counts[18:]
        response = distribution(self.distributions.get("frt"))
        solved = {kind: distribution(self.distributions.get(kind)) for kind in ("first", "full", "first_business", "full_business")}
        counts = {
            "offered": offered,
            "answered": answered,
            "missed": missed,
            "handled": handled,
            "opened": opened,
            "resolved": resolved,
            "reopened": reopened,
            "frt_breaches": breaches,
            "offered_closed": after_hours,
        }
        variants = (
            quotient(within, events),
            quotient(within, events - missed_within),
            quotient(within + missed_within, events),
            quotient(within, in_hours),
        )
        return {
            **{name: {"value": value} for name, value in counts.items()},
            "first_response_time": response,
            "next_response_time": distribution(self.distributions.get("nrt")),
            "speed_of_answer": distribution(self.distributions.get("asa")),
            "talk_time": distribution(self.distributions.get("talk")),
            "callback_wait": distribution(self.distributions.get("dialled")),
            "callback_reach_rate": ratio(reached, dialled),
            "hold_time": distribution(self.distributions.get("hold")),
            "wrap_time": distribution(self.distributions.get("wrap")),
            "hold_rate": ratio(held, calls),
            "transfer_rate": ratio(transferred, calls),
            "resolution_time": {**solved["full"], "variants": solved},
            "service_level": {**ratio(top, base), "variants": dict(zip(MODES, variants, strict=True))},
            "missed_rate": ratio(missed, offered),
            "abandon_rate": ratio(abandoned, offered - short),
            "requester_wait_time": distribution(self.distributions.get("requester")),
            "reopen_rate": ratio(reopens, solves),
            "sla_compliance": ratio(met, due),
            "average_response_time": {
                "value": response["mean"],
                "numerator": response["sum"],
                "n": response["n"],
                "variants": {"per_inquiry": self._per_inquiry(offered)},
            },
            **self._gauges(),
        }

    def _per_inquiry(self, offered: int) -> float | None:
        if not self.gauges:  # what still waits has no hour
            return None
        answered = self.distributions.get("frt")
        return quotient(((answered[1] if answered else 0) + self.waiting[4]) / 1000, offered)

    def _gauges(self) -> dict[str, Any]:
        names = ("waiting", "longest_wait", "breaching_soon", "backlog", "net_flow", "time_to_drain")
        if not self.gauges:
            return {**{name: {"value": None} for name in names}, "backlog_age": distribution(None)}
        visits, past, longest, soon, _ = self.waiting
        backlog = self.backlog[0] if self.backlog else 0
        grown = self.counts[-1]
        drain = 0.0 if backlog == 0 else quotient(backlog * (self.end - self.start) / 1000, -grown)
        return {
            "waiting": {"value": visits, "past_target": past},
            "longest_wait": {"value": None if longest is None else longest / 1000},
            "breaching_soon": {"value": soon},
            "backlog": {"value": backlog, "by_age": dict(zip(BUCKETS, self.backlog[6:] if self.backlog else (0,) * 5, strict=True))},
            "backlog_age": distribution(self.backlog[:6] if self.backlog else None),
            "net_flow": {"value": grown / ((self.end - self.start) / 3_600_000)},
            "time_to_drain": {"value": drain, "forecast": True},
        }
