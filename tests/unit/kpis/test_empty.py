"""An empty population is no value, never 0 and never 100 %; a count of nothing is 0. Source: KPI contract, "Rules for every KPI"."""

import pytest

from streams.kpis import REGISTRY
from tests.unit.kpis.centre import at, kpis

NO_SPREAD = {"value": None, "n": 0, "sum": None, "mean": None, "p50": None, "p90": None, "p95": None, "max": None}
GAUGES = {
    "backlog": {"value": 0, "by_age": {"1h": 0, "4h": 0, "1d": 0, "7d": 0, "older": 0}},
    "waiting": {"value": 0, "past_target": 0},
    "longest_wait": {"value": None, "n": 0},
    "breaching_soon": {"value": 0},
    "time_to_drain": {"value": 0.0, "forecast": True},
    "net_flow": {"value": 0.0},
}
VARIANTS = {
    "service_level": {"included": None, "ignored": None, "positive": None, "handled_only": None},
    "average_response_time": {"per_inquiry": None},
    "resolution_time": dict.fromkeys(("first", "full", "first_business", "full_business"), NO_SPREAD),
}
EMPTY = {"ratio": {"value": None, "n": 0}, "distribution": NO_SPREAD, "count": {"value": 0}}


@pytest.mark.parametrize("name", REGISTRY)
def test_every_kpi_of_an_empty_row(name: str) -> None:
    expected = GAUGES[name] if REGISTRY[name].kind == "gauge" else EMPTY[REGISTRY[name].kind]
    if name in VARIANTS:
        expected = expected | {"variants": VARIANTS[name]}
    assert kpis(end=3600)[name] == expected


@pytest.mark.parametrize("name", REGISTRY)
def test_a_call_in_the_menu_is_nothing_to_any_kpi(name: str) -> None:
    assert kpis([at(0, "call.started"), at(9, "call.ended")], end=3600)[name] == kpis(end=3600)[name]
