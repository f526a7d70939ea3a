from streams.kpi_names import _BY_UNIT, LATER, misfit
from streams.kpis import REGISTRY


def test_every_kpi_is_named_with_its_unit_and_is_either_computed_or_comes_later() -> None:
    names = {name: unit for unit, of_unit in _BY_UNIT.items() for name in of_unit.split()}
    units = {"s": "seconds", "1/h": "per_hour"}
    assert {name: units.get(unit, unit) for name, unit in names.items() if name not in LATER} == {
        name: kpi.unit for name, kpi in REGISTRY.items()
    }
    assert names.keys() >= LATER


def test_the_edges_of_a_range_belong_to_it() -> None:
    assert [misfit(kpi, value) for kpi, value in (("csat", 0), ("csat", 1), ("nps", -100), ("nps", 100), ("mrr", -1e9))] == [None] * 5
