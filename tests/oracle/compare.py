"""Where a report and the oracle differ."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .windows import parse

PERCENTILES = ("p50", "p90", "p95")
CLOSE = 1e-9
SKETCH = 0.02  # what the contract grants percentiles


def differences(report_rows: Sequence[Mapping[str, Any]], oracle_rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every figure of the oracle the report does not give, every missing and every surplus row. Surplus figures are no difference."""
    theirs = {_key(row): row for row in report_rows}
    ours = {_key(row): row for row in oracle_rows}
    found = []
    if len(theirs) != len(report_rows):
        found.append(f"{len(report_rows) - len(theirs)} rows are there twice")
    for key, row in ours.items():
        if key not in theirs:
            found.append(f"{_name(key)}: no such row in the report")
            continue
        for kpi, figure in row["kpis"].items():
            other = theirs[key]["kpis"].get(kpi)
            if other is None and _nothing(figure):
                continue
            if other is None:
                found.append(f"{_name(key)} {kpi}: missing, expected {json.dumps(figure)}")
            else:
                found += [f"{_name(key)} {kpi}{text}" for text in _figure(other, figure)]
    found += [f"{_name(key)}: a row the oracle does not have" for key in theirs.keys() - ours.keys()]
    return found


def _key(row: Mapping[str, Any]) -> tuple[str, int, int]:
    return json.dumps(row["segment"], sort_keys=True), _instant(row["start"]), _instant(row["end"])


def _name(key: tuple[str, int, int]) -> str:
    return f"{key[0]} [{key[1]}, {key[2]})"


def _instant(value: str | int) -> int:
    return value if isinstance(value, int) else parse(value)


def _figure(theirs: Any, ours: Any, path: str = "") -> Iterator[str]:
    if isinstance(ours, Mapping):
        if not isinstance(theirs, Mapping):
            yield f"{path}: {theirs!r}, expected {ours!r}"
            return
        empty = ours.get("n") == 0 or ("value" in ours and ours["value"] is None)
        for name, value in ours.items():
            if empty and name not in {"n", "value", "mean", "variants"}:
                continue  # without a population only "no value" and n 0 are promised
            if name not in theirs:
                if _nothing(value):
                    continue
                yield f"{path}.{name}: missing, expected {value!r}"
            elif name in PERCENTILES and value is not None:
                yield from _within(theirs[name], value, f"{path}.{name}")
            else:
                yield from _figure(theirs[name], value, f"{path}.{name}")
    elif isinstance(theirs, Mapping):
        yield from _figure(theirs.get("value"), ours, path)
    elif not _same(theirs, ours):
        yield f"{path}: {theirs!r}, expected {ours!r}"


def _nothing(value: Any) -> bool:
    """No value, in whatever shape: a report may leave it out."""
    if isinstance(value, Mapping):
        return value.get("n") == 0 or all(_nothing(one) for one in value.values())
    return value is None


def _within(value: Any, bounds: Sequence[float], path: str) -> Iterator[str]:
    low, high = bounds
    if not isinstance(value, int | float) or not low * (1 - SKETCH) - CLOSE <= value <= high * (1 + SKETCH) + CLOSE:
        yield f"{path}: {value!r}, expected {low!r} to {high!r}"


def _same(theirs: Any, ours: Any) -> bool:
    if ours is None or theirs is None or isinstance(ours, bool | str):
        return bool(theirs == ours)
    if not isinstance(theirs, int | float):
        return False
    if isinstance(ours, int):
        return theirs == ours
    return bool(abs(theirs - ours) <= CLOSE * max(abs(theirs), abs(ours)))
