"""What holds for every published row, whatever has happened."""

from typing import Any

from streams.kpis import REGISTRY
from streams.snapshot import Snapshot

SHARES = ("service_level", "sla_compliance")
"""Ratios whose numerator is a part of their denominator. (Missed and abandoned are counted when people leave, offered when they come.)"""
SIGNED = ("net_flow",)


def broken(snapshot: Snapshot) -> list[str]:
    """The figures of a snapshot that cannot be: a share outside of 0 to 1, a negative count, time or population."""
    return [
        f"{'/'.join(map(str, key))} {name}: {figure}"
        for key, row in snapshot.changed.items()
        if row is not None
        for name, figure in row["kpis"].items()
        if not _sound(name, figure)
    ]


def _sound(name: str, figure: dict[str, Any]) -> bool:
    value = figure.get("value")
    if (figure.get("n") or 0) < 0 or (value is not None and value < 0 and name not in SIGNED):
        return False
    return not (name in SHARES and value is not None and value > 1)


assert all(name in REGISTRY for name in (*SHARES, *SIGNED))
