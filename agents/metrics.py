"""The metrics of INTERFACE, made when asked for from the board and the pipeline's figures. Nothing is kept twice, so nothing can disagree.

A KPI appears by itself: its name follows from unit and kind, its labels from the segmentation. Agents are never a label. No value, no
sample; and while the board is stale the gauges end, since an old figure repeated looks like a fresh one.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from agents.board import Board
from agents.board_views import View
from agents.pipeline import Pipeline
from streams.snapshot import Row, RowKey, SegmentKey

PREFIX = "firstline_"
STATS = ("mean", "p50", "p90", "p95", "max")
NEVER_LABELS = frozenset({"agent"})
ALERT_DIMS = ("channel", "queue", "team", "priority")
_SUFFIX = {"ratio": "_ratio", "seconds": "_seconds", "per_hour": "_per_hour"}
_COUNTERS = {
    "offered": "Queue visits entered.",
    "answered": "Queue visits answered.",
    "answered_within_target": "Queue visits answered within the service level's threshold.",
    "missed": "Queue visits left without an answer.",
    "first_response_breaches": "First responses later than their target, counted when the target passed.",
}
_PIPELINE = {
    "events": ("topic", "Events read."),
    "dead_letters": ("reason", "Records refused and put aside."),
    "duplicates": ("", "Events seen before."),
    "corrections": ("", "Figures taken back after late or corrected events."),
    "late_events": ("", "Events for interactions already retired."),
    "publish_failures": ("to", "Snapshots that could not be handed on; the next one replaces each."),
}


class KpiInfo(Protocol):
    """What the metrics need to know of a KPI; `streams.kpis.kpi.Kpi` is one."""

    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def help(self) -> str: ...
    @property
    def windowed(self) -> bool: ...


def metric_name(kpi: KpiInfo) -> str:
    """The metric of a KPI without prefix: the unit at the end and never twice; `missed_rate` is `missed_ratio`.

    A count within a window is `<name>_in_window`: the plain name belongs to the counter `<name>_total`."""
    if kpi.kind == "count" and kpi.windowed:
        return f"{kpi.name}_in_window"
    name = kpi.name.removesuffix("_rate") if kpi.unit == "ratio" else kpi.name
    suffix = _SUFFIX.get(kpi.unit, "")
    return name if name.endswith(suffix) else name + suffix


class FirstlineCollector(Collector):
    """Collects everything at the moment of a scrape; safe in another thread than the board's writer."""

    def __init__(
        self, board: Board, pipeline: Pipeline, kpis: Iterable[KpiInfo] | Mapping[str, KpiInfo], windows: Callable[[], Collection[str]]
    ) -> None:
        self._board = board
        self._pipeline = pipeline
        self._kpis = tuple(kpis.values() if isinstance(kpis, Mapping) else kpis)
        self._windows = windows

    def collect(self) -> Iterator[Metric]:
        view = self._board.view()
        labels = {segment: named for segment in view.segments if (named := _labels(segment)) is not None}
        if not view.stale:
            yield from self._gauges(view, labels)
            yield _alerts(view)
        yield from _counters(view, labels)
        yield from self._pipeline_figures(view)

    def _gauges(self, view: View, labels: dict[SegmentKey, dict[str, str]]) -> Iterator[Metric]:
        """Rolling figures of the chosen windows, and what has no window once a segment. Segments outermost: their labels are made once."""
        families = {kpi.name: GaugeMetricFamily(PREFIX + metric_name(kpi), kpi.help) for kpi in self._kpis}
        goals = {
            kpi.name: GaugeMetricFamily(f"{PREFIX}{metric_name(kpi).removesuffix('_ratio')}_goal_ratio", f"Goal of {kpi.name}, by policy.")
            for kpi in self._kpis
            if kpi.unit == "ratio"
        }
        chosen = self._windows()
        windowed = [kpi for kpi in self._kpis if kpi.windowed]
        momentary = [kpi for kpi in self._kpis if not kpi.windowed]
        for segment, named in labels.items():
            known = view.segments[segment]
            now = view.rows.get(RowKey(*segment, known[0]))
            for kpi in momentary:
                _sample(families[kpi.name], kpi, named, now)
            for window in known:
                if window not in chosen:
                    continue
                rolling = {**named, "window": window}
                row = view.rows.get(RowKey(*segment, window))
                for kpi in windowed:
                    _sample(families[kpi.name], kpi, rolling, row)
                for name, goal in view.goals.get(segment, {}).items():
                    if name in goals:
                        goals[name].add_sample(goals[name].name, rolling, goal)
        yield from (family for family in (*families.values(), *goals.values()) if family.samples)

    def _pipeline_figures(self, view: View) -> Iterator[Metric]:
        figures = self._pipeline
        totals, lag = figures.totals()
        for name, by_label in totals.items():
            label, text = _PIPELINE[name]
            counter = CounterMetricFamily(PREFIX + name, text, labels=[label] if label else [])
            for value, number in by_label.items():
                counter.add_metric([value] if label else [], number)
            yield counter
        lags = GaugeMetricFamily(f"{PREFIX}consumer_lag_events", "Events not yet read.", labels=["topic", "partition"])
        for (topic, partition), number in lag.items():
            lags.add_metric([topic, str(partition)], number)
        yield lags
        for name, text, now in (
            ("event_delay_seconds", "Between the time of the newest event and its processing.", figures.event_delay_seconds),
            (
                "kafka_silence_seconds",
                "Since Kafka last answered, for the partition longest unheard.",
                figures.kafka_silence_seconds,
            ),
            ("snapshot_timestamp_seconds", "Instant the figures are true for, Unix time.", None if view.at is None else view.at / 1000),
            ("open_interactions", "Interactions open now.", figures.open_interactions),
            ("segments", "Segments with figures.", figures.segments if figures.segments is not None else len(view.segments)),
            ("segments_overflowed", "Segments beyond max_segments, shown together as other.", figures.segments_overflowed),
            ("policy_error", "1 while the policy file is broken and the last good one is in force.", int(figures.policy_error)),
        ):
            if now is not None:
                yield GaugeMetricFamily(PREFIX + name, text, value=now)
        yield InfoMetricFamily(f"{PREFIX}build", "The running version.", value={"version": figures.version})


def _labels(segment: SegmentKey) -> dict[str, str] | None:
    """`by` and the dimensions; None for what is never exported: people, and "" beside the missing value that is written alike."""
    by, values = segment
    if not NEVER_LABELS.isdisjoint(by) or "" in values:
        return None
    return {"by": ",".join(by) or "all", **{dim: value or "" for dim, value in zip(by, values, strict=True)}}


def _sample(family: GaugeMetricFamily, kpi: KpiInfo, labels: dict[str, str], row: Row | None) -> None:
    figure = row["kpis"].get(kpi.name) if row is not None else None
    if figure is None:
        return
    if kpi.kind != "distribution":
        if figure.get("value") is not None:
            family.add_sample(family.name, labels, figure["value"])
        return
    for stat in STATS:
        if figure.get(stat) is not None:
            family.add_sample(family.name, {**labels, "stat": stat}, figure[stat])


def _alerts(view: View) -> Metric:
    """Firing alerts. Several that differ only in what is no label (an agent's, a reason's) are one series with their number."""
    family = GaugeMetricFamily(f"{PREFIX}alert_active", "Alerts firing now.", labels=["name", "severity", "by", *ALERT_DIMS])
    active: dict[tuple[str, ...], int] = {}
    for alert in view.alerts:
        if alert["state"] == "firing":
            segment = alert["segment"]
            key = (alert["name"], alert["severity"], ",".join(segment) or "all", *(segment.get(dim) or "" for dim in ALERT_DIMS))
            active[key] = active.get(key, 0) + 1
    for values, number in active.items():
        family.add_metric(values, number)
    return family


def _counters(view: View, labels: dict[SegmentKey, dict[str, str]]) -> Iterator[Metric]:
    names = dict.fromkeys([*_COUNTERS, *(name for counters in view.counters.values() for name in counters)])
    for name in names:
        family = CounterMetricFamily(PREFIX + name, _COUNTERS.get(name, f"Total of {name}."))
        for segment, counters in view.counters.items():
            if name in counters and segment in labels:
                family.add_sample(f"{PREFIX}{name}_total", labels[segment], counters[name])
        yield family
    responses = HistogramMetricFamily(f"{PREFIX}first_response_seconds", "First response times.")
    for segment, histogram in view.histogram.items():
        if segment in labels:
            _buckets(responses, labels[segment], histogram["edges"], histogram["counts"])
            responses.add_sample(f"{responses.name}_bucket", {**labels[segment], "le": "+Inf"}, histogram["count"])
            responses.add_sample(f"{responses.name}_count", labels[segment], histogram["count"])
            responses.add_sample(f"{responses.name}_sum", labels[segment], histogram["sum"])
    yield responses


def _buckets(family: HistogramMetricFamily, labels: dict[str, str], edges: list[float], counts: list[int]) -> None:
    below = 0
    for edge, number in zip(edges, counts, strict=False):  # a last count above the last edge is in +Inf
        below += number
        family.add_sample(f"{family.name}_bucket", {**labels, "le": str(float(edge))}, below)


def registry(
    board: Board, pipeline: Pipeline, kpis: Iterable[KpiInfo] | Mapping[str, KpiInfo], windows: Callable[[], Collection[str]]
) -> CollectorRegistry:
    """A registry without the libraries' default metrics. `windows`: the policy's `metric_windows`, asked each time."""
    own = CollectorRegistry(auto_describe=False)
    own.register(FirstlineCollector(board, pipeline, kpis, windows))
    return own
