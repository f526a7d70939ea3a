"""The attributes that a segment may be made of, in the one order in which they are always listed."""

from collections.abc import Iterable

DIMENSIONS = (
    "channel", "queue", "team", "priority", "agent", "reason", "medium", "language", "tenant", "product", "region", "customer_segment",
)  # fmt: skip
CHANNELS = ("call", "chat", "ticket")

_RANK = {name: rank for rank, name in enumerate(DIMENSIONS)}


def canonical(names: Iterable[str]) -> tuple[str, ...]:
    """The names once each, in the order of `DIMENSIONS`: how a segmentation is written. Raises `KeyError` for an unknown name."""
    return tuple(sorted(set(names), key=_RANK.__getitem__))
