"""In which ticks a segment is told: where there are many of a kind, in turn."""

from zlib import crc32

_TURNS = {0: 1, 1: 1, 2: 2}
_MORE = 4
_AGENTS = 16
"""Over how many ticks the rows of a segmentation are told in turn, by its number of dimensions; agents', the most of all, over the most."""


def turn_of(dims: tuple[str, ...], key: bytes) -> tuple[int, int]:
    """The ticks of a segment, the same ones in all partitions: those that leave the second when divided by the first."""
    turns = _AGENTS if "agent" in dims else _TURNS.get(len(dims), _MORE)
    return turns, crc32(key) % turns


def is_told(turns: int, turn: int, since: int, tick: int) -> bool:
    """Whether one of the ticks after `since`, up to `tick`, is a segment's. Where ticks are left out, none loses its turn."""
    return (tick - turn) // turns > (since - turn) // turns
