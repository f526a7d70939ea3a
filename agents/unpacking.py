"""The bytes of a plain, gzip or Zstandard file (told apart by content), in blocks of bounded size however small the file is."""

import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeAlias

import zstandard

Advance: TypeAlias = Callable[[int], object]

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
"""The first four bytes, low one first, of Zstandard frames that hold no data. Tools put one in front for their own use."""
_RLE = 1
_CHECKSUM_BIT = 4
_PLAIN_BYTES = 1 << 20
_PACKED_BYTES = 1 << 16
"""Less than a plain block, since what comes out is many times as much."""


class DamagedError(Exception):
    """Compressed data that end too early or make no sense. All that came out before them has been given."""


def blocks(file: BinaryIO, advance: Advance) -> Iterator[bytes]:
    """What is in a file; `advance` is told the bytes read from it. Raises `DamagedError`."""
    head = file.read(4)
    advance(len(head))
    if head.startswith(_GZIP):
        return _gzip(head, file, advance)
    if head == _ZSTD or int.from_bytes(head, "little") in _SKIPPABLE:
        return _zstd(head, file, advance)
    return _plain(head, file, advance)


def _plain(head: bytes, file: BinaryIO, advance: Advance) -> Iterator[bytes]:
    yield head
    # A pipe hands over what it has, so that a live one is not held up until a block is full.
    some = getattr(file, "read1", file.read)
    while block := some(_PLAIN_BYTES):
        advance(len(block))
        yield block


def _gzip(head: bytes, file: BinaryIO, advance: Advance) -> Iterator[bytes]:
    """Member after member: a file may be several compressed ones, one behind the other."""
    packed = head + file.read(_PACKED_BYTES)
    advance(len(packed) - len(head))
    while packed:
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            # What is left over from a full block comes out without new input, so the end is only where there is neither.
            before = member.copy()
            try:
                block = member.decompress(packed, _PLAIN_BYTES)
            except zlib.error as exc:
                yield from _up_to_the_fault(before, packed)
                raise DamagedError(f"the gzip data are damaged ({exc})") from exc
            yield block
            packed = member.unconsumed_tail
            if not packed and not member.eof and len(block) < _PLAIN_BYTES:
                packed = file.read(_PACKED_BYTES)
                advance(len(packed))
                if not packed:
                    raise DamagedError("the gzip data end too early")
        packed = member.unused_data
        # Archives on tape and block devices are filled up with zero bytes.
        while not (packed := packed.lstrip(b"\0")) and (more := file.read(_PACKED_BYTES)):
            advance(len(more))
            packed = more


def _up_to_the_fault(member: "zlib._Decompress", packed: bytes) -> Iterator[bytes]:
    """Byte by byte, since zlib gives nothing of what it has decompressed in the call that fails: with a wrong checksum, the whole end."""
    for byte in packed:
        try:
            yield member.decompress(bytes((byte,)))
        except zlib.error:
            return


def _zstd(head: bytes, file: BinaryIO, advance: Advance) -> Iterator[bytes]:
    """Block by block, as RFC 8878 has them: the decompressor is not told how much may come out, but a block holds 128 KiB at most."""

    def take(size: int) -> bytes:
        data = file.read(size)
        advance(len(data))
        if len(data) < size:
            raise DamagedError("the Zstandard data end too early")
        return data

    magic = head
    while magic:
        if int.from_bytes(magic, "little") in _SKIPPABLE:
            left = int.from_bytes(take(4), "little")
            while left:
                left -= len(take(min(left, _PACKED_BYTES)))
        else:
            try:
                yield from _zstd_frame(magic, take)
            except zstandard.ZstdError as exc:
                raise DamagedError(f"the Zstandard data are damaged ({exc})") from exc
        magic = b""
        # Archives on tape and block devices are filled up with zero bytes.
        while len(magic) < 4 and (more := file.read(4 - len(magic))):
            advance(len(more))
            magic = (magic + more).lstrip(b"\0")


def _zstd_frame(magic: bytes, take: Callable[[int], bytes]) -> Iterator[bytes]:
    frame = zstandard.ZstdDecompressor().decompressobj()
    start = magic + take(5 - len(magic))
    has_checksum = start[4] & _CHECKSUM_BIT
    frame.decompress(start + take(zstandard.frame_header_size(start) - len(start)))
    last = 0
    while not last:
        header = take(3)
        bits = int.from_bytes(header, "little")
        last, kind, size = bits & 1, bits >> 1 & 3, bits >> 3
        yield frame.decompress(header + take(1 if kind == _RLE else size))
    if has_checksum:
        frame.decompress(take(4))
