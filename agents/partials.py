"""The records of the `partials` topic: a worker's partial rows, and "reached tick k". It tells under the number of its first partition.

| record  | key (MessagePack)        | value (MessagePack)                                                  | header `place` |
| ------- | ------------------------ | -------------------------------------------------------------------- | -------------- |
| row     | [partition, segment key] | packed partial row; None (a tombstone): the segment has become empty | [epoch, tick]  |
| reached | [partition]              | [epoch, tick, now in ms, number of rows, policy version, ended, held] |               |

`held` is [[partition, epoch, positions], …] of all partitions that the rows are of. The place of a row stands in a header because a
tombstone has no value; it lets readers drop what an older epoch still sends.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

_encode = msgspec.msgpack.Encoder().encode


class PartialRow(NamedTuple):
    """`lead` is the partition that the worker tells under."""

    lead: int
    epoch: int
    tick: int
    segment: bytes
    packed: bytes | None


class Held(msgspec.Struct, frozen=True, array_like=True):
    """A partition whose interactions are in a worker's rows, since its epoch."""

    partition: int
    epoch: int
    positions: tuple[int, ...] = ()
    """Of each interaction topic, in the order of `INTERACTION_TOPICS`: everything below this offset is in these rows, and nothing else. -1
    where that is not known. For `firstline verify`."""


class Reached(NamedTuple):
    """All rows of a tick are sent; `now_ms` is the instant they are true for, `held` which partitions they are of."""

    lead: int
    epoch: int
    tick: int
    now_ms: int
    rows: int
    policy: str
    ended: bool
    held: tuple[Held, ...]


Wire = tuple[bytes, bytes | None, list[tuple[str, bytes]]]
"""Key, value and headers of a record."""

_row_key = msgspec.msgpack.Decoder(tuple[int, bytes]).decode
_reached_key = msgspec.msgpack.Decoder(tuple[int]).decode
_place = msgspec.msgpack.Decoder(tuple[int, int]).decode


class _ReachedValue(msgspec.Struct, array_like=True):
    """What a newer release adds at the end is not read."""

    epoch: int
    tick: int
    now_ms: int
    rows: int
    policy: str
    ended: bool
    held: tuple[Held, ...]


_reached_value = msgspec.msgpack.Decoder(_ReachedValue).decode


def encode_row(row: PartialRow) -> Wire:
    return _encode((row.lead, row.segment)), row.packed, [("place", _encode((row.epoch, row.tick)))]


def encode_reached(reached: Reached) -> Wire:
    return _encode((reached.lead,)), _encode(reached[1:]), []


def decode(key: bytes, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> PartialRow | Reached | None:
    """The record, or None for one that no worker of this release wrote."""
    try:
        if headers:
            lead, segment = _row_key(key)
            epoch, tick = _place(headers[0][1])
            return PartialRow(lead, epoch, tick, segment, value)
        (lead,) = _reached_key(key)
        return Reached(lead, *msgspec.structs.astuple(_reached_value(value or b"")))
    except msgspec.DecodeError:
        return None
