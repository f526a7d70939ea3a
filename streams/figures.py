"""Every figure of a row, by KPI name."""

from collections.abc import Iterable

from streams.kpis import REGISTRY
from streams.kpis.kpi import NO_VALUE, Figure, Kpi, Row


def figures(row: Row, names: Iterable[str] = REGISTRY) -> dict[str, Figure]:
    """The KPIs of a row by name."""
    if row.gauges:
        return {name: REGISTRY[name].figure(row) for name in names}
    return {name: dict(NO_VALUE) if _needs_end(REGISTRY[name]) else REGISTRY[name].figure(row) for name in names}


def _needs_end(kpi: Kpi) -> bool:
    return kpi.kind == "gauge" or not kpi.windowed
