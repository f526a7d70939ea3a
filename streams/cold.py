"""Interactions at rest: the set of a closed interaction, compressed until something asks for it again.

Most of what a worker holds is closed. zlib is told beforehand what such sets look like: the words of the event contract, and the first sets
that came; so a set of three events takes some 80 bytes instead of 400. These bytes are only in memory: another release may make others.
"""

import zlib

import msgspec

from streams.event_set import EventSet
from streams.event_types import TYPES

_WORDS = sorted({name for *_, data in TYPES for name in data.__struct_fields__})
_USUAL = ("direction", "inbound", "language", "region", "visit", "reason", "author", "public")
_SAMPLES = 16
"""Sets that are shown to zlib, and stay as they are."""
_CONTRACT = msgspec.msgpack.encode((_WORDS, _USUAL, "team", "agent", "customer", "priority", "queue"))
"""zlib looks back for what it has seen, and what stands last is nearest."""
_LEVEL, _WINDOW, _MEMORY = 6, -13, 5
_BYTES = 3
"""Of each number that leads: which prefixes, how many events."""
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[bytes]).decode


class ColdStore:
    """Turns sets into bytes and back. The key prefixes are those of many sets, so the bytes name them by number."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[bytes, ...], int] = {}
        self._prefixes: list[tuple[bytes, ...]] = []
        self._samples: list[bytes] = []
        self._dictionary = b""

    def freeze(self, it: EventSet) -> bytes | None:
        """The bytes of a set of which the changelog holds everything; None for the first ones, which are kept as samples."""
        packed = _pack(it.chunks())
        if not self._dictionary:
            self._samples.append(packed[: (1 << -_WINDOW) // _SAMPLES])
            if len(self._samples) == _SAMPLES:
                self._dictionary = _CONTRACT + b"".join(self._samples)
                self._samples = []
            return None
        number = self._numbers.get(it.under)
        if number is None:
            number = self._numbers[it.under] = len(self._prefixes)
            self._prefixes.append(it.under)
        deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, _MEMORY, zlib.Z_DEFAULT_STRATEGY, self._dictionary)
        head = number.to_bytes(_BYTES, "big") + it.held.to_bytes(_BYTES, "big")
        return head + deflate.compress(packed) + deflate.flush()

    def thaw(self, frozen: bytes) -> EventSet:
        """The set again."""
        out = EventSet()
        inflate = zlib.decompressobj(_WINDOW, self._dictionary)
        out.adopt(self.under(frozen), _unpack(inflate.decompress(frozen[2 * _BYTES :])))
        return out

    def under(self, frozen: bytes) -> tuple[bytes, ...]:
        """The key prefixes of the live records that hold it."""
        return self._prefixes[int.from_bytes(frozen[:_BYTES], "big")]

    @staticmethod
    def held(frozen: bytes) -> int:
        """How many events it has."""
        return int.from_bytes(frozen[_BYTES : 2 * _BYTES], "big")
