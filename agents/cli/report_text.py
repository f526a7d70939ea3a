"""KPI figures as short texts for people: 54.4 %, 1:05, 30,161; "–" where there is no value."""

from collections.abc import Mapping
from typing import Any

from agents.cli.common import counted, printable
from streams.kpis import REGISTRY
from streams.kpis.kpi import Figure, Unit

NONE = "–"


def number(value: float | None, unit: Unit) -> str:
    """A value in its unit."""
    if value is None:
        return NONE
    if unit == "seconds":
        return duration(value)
    if unit == "ratio":
        return f"{value * 100:.1f} %"
    if unit == "per_hour":
        return f"{value:+,.1f}/h"
    return f"{value:,.0f}"


def duration(seconds: float) -> str:
    """Seconds as a clock would show them: 0:12, 1:05, 2:03:04, 3d 4:05:06."""
    whole = int(seconds + 0.5)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    clock = f"{hour}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
    return f"{days}d {clock}" if days else clock


def label(name: str) -> str:
    """A KPI's name in words."""
    return name.replace("_", " ")


def columns(name: str) -> tuple[str, ...]:
    """The headings of a KPI's columns: a distribution has its mean and its 90th percentile."""
    if REGISTRY[name].kind == "distribution":
        return f"{label(name)}, mean", "p90"
    return (label(name),)


def cells(name: str, figure: Figure) -> tuple[str, ...]:
    """The texts of a KPI's columns."""
    kpi = REGISTRY[name]
    if kpi.kind == "distribution":
        return number(figure["mean"], kpi.unit), number(figure["p90"], kpi.unit)
    return (number(figure["value"], kpi.unit),)


def details(name: str, figure: Figure) -> str:
    """All else that a figure says, in one line."""
    kpi = REGISTRY[name]
    parts = []
    if figure.get("n"):
        parts.append(f"{figure['numerator']:,} of {figure['n']:,}" if kpi.unit == "ratio" else f"n {figure['n']:,}")
    if kpi.kind == "distribution" and figure["n"]:
        parts += [f"{stat} {number(figure[stat], kpi.unit)}" for stat in ("p50", "p90", "p95", "max")]
    parts += [f"{label(key)} {_inner(value, kpi.unit)}" for key, value in figure.get("variants", {}).items()]
    parts += [f"{bound} {count:,}" for bound, count in figure.get("by_age", {}).items()]
    if figure.get("past_target"):
        parts.append(f"past target {figure['past_target']:,}")
    return " · ".join(parts)


def _inner(value: Any, unit: Unit) -> str:
    return number(value.get("mean") if isinstance(value, Mapping) else value, unit)


def title(report: Mapping[str, Any], zone: str) -> str:
    """What the table is of: its instant, zone, policy, and what was read."""
    read = report["input"]
    parts = [f"at {report['at']} ({zone})", f"policy {printable(report['policy'])}", counted(read["events"], "event")]
    parts += [counted(read[f"{noun}s"], label(noun)) for noun in ("duplicate", "conflict", "dead_letter") if read[f"{noun}s"]]
    if read["retracted"]:
        parts.append(f"{read['retracted']:,} retracted")
    return " · ".join(parts)
