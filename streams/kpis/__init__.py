"""The KPIs, one module a family. A family is found by being here: it offers `KPIS`, `contribute` and `NOT_OF_AGENTS`.

To add a KPI, add it to its family's `KPIS` (or add a module): registry, report, live rows, metrics and API pick it up.
"""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from streams import kpi_names
from streams.contribution import Family
from streams.kpi_names import register
from streams.kpis.kpi import Kpi, Row, Unit

__all__ = ["FAMILIES", "NOT_OF_AGENTS", "REGISTRY", "Kpi", "Row"]

_UNITS: Mapping[Unit, kpi_names.Unit] = {"seconds": "s", "ratio": "ratio", "count": "count", "per_hour": "1/h"}
_modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__) if module.name != "kpi"]

FAMILIES: tuple[Family, ...] = tuple(_modules)
REGISTRY: Mapping[str, Kpi] = MappingProxyType({kpi.name: kpi for module in _modules for kpi in module.KPIS})
for _kpi in REGISTRY.values():
    register(_kpi.name, _UNITS[_kpi.unit])
NOT_OF_AGENTS: frozenset[str] = frozenset().union(*(module.NOT_OF_AGENTS for module in _modules))
"""Measures that an agent's segment does not have: what nobody did and nobody can be charged with."""
