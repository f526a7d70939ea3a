"""Files of a recording as lines of bytes: plain, gzip or Zstandard (told apart by content), in bounded memory whatever is in them."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeAlias

from agents import unpacking
from streams.errors import FirstlineError
from streams.events import MAX_EVENT_BYTES

Advance: TypeAlias = unpacking.Advance
STDIN = Path("-")
_BOM = b"\xef\xbb\xbf"


class RecordingError(FirstlineError):
    """A recording that cannot be read, or (with `strict`) may not be read on."""


class Lines(NamedTuple):
    """Whole lines without their newline; `first` is the number of the first of them, counted from 1."""

    first: int
    lines: list[bytes]


class Piece(NamedTuple):
    """A part of one line that is longer than any event may be; `first` when the line begins and `last` when it ends with it."""

    line: int
    data: bytes
    first: bool = False
    last: bool = False


class Damage(NamedTuple):
    """The file cannot be read beyond this: `rest` is what there is of line `line`."""

    line: int
    rest: bytes
    reason: str


Item: TypeAlias = Lines | Piece | Damage


def name_of(path: Path) -> str:
    """What messages call a file."""
    return "stdin" if path == STDIN else str(path)


def check(paths: Iterable[Path]) -> None:
    """Refuses, before anything is read, what is no file that can be read. Raises `RecordingError`."""
    paths = list(paths)
    if paths.count(STDIN) > 1:
        raise RecordingError("argument FILE: stdin (-) is given twice, but can be read once; remove one")
    for path in paths:
        # Not opened to see: the writer of a named pipe would take that for all there is to come.
        if path != STDIN and (path.is_dir() or not os.access(path, os.R_OK)):
            with _opened(path):
                pass


def total_bytes(paths: Iterable[Path]) -> int | None:
    """The size of all files as they are on disk; None if it cannot be known (stdin, a pipe)."""
    paths = list(paths)
    return sum(path.stat().st_size for path in paths) if all(path.is_file() for path in paths) else None


def read(path: Path, advance: Advance = lambda _: None) -> Iterator[Item]:
    """The lines of a file in order; `advance` is told the bytes read from it. Raises `RecordingError` where it cannot be read at all."""
    with _opened(path) as file:
        yield from _lines(unpacking.blocks(file, advance))


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        if path == STDIN:
            yield sys.stdin.buffer
        else:
            with path.open("rb") as file:
                yield file
    except OSError as exc:
        remedy = "name the files in it" if isinstance(exc, IsADirectoryError) else "check the path and its permissions"
        raise RecordingError(f"argument FILE: {name_of(path)}: cannot be read ({exc.strerror or exc}); {remedy}") from exc


def _lines(data: Iterator[bytes]) -> Iterator[Item]:
    number = 1
    rest = b""
    begun = overlong = False
    damage: str | None = None
    while True:
        try:
            block = next(data, None)
        except unpacking.DamagedError as exc:
            block, damage = None, str(exc)
        if block is None:
            break
        if overlong:
            head, newline, block = block.partition(b"\n")
            yield Piece(number, head, last=bool(newline))
            if not newline:
                continue
            overlong = False
            number += 1
        block = rest + block
        if not begun and len(block) >= len(_BOM):
            begun = True
            block = block.removeprefix(_BOM)
        lines = block.split(b"\n")
        rest = lines.pop()
        if lines:
            yield Lines(number, lines)
            number += len(lines)
        if len(rest) > MAX_EVENT_BYTES:
            yield Piece(number, rest, first=True)
            rest, overlong = b"", True
    if overlong:
        yield Piece(number, b"", last=True)
    if damage is not None:
        yield Damage(number, rest, damage)
    elif rest:
        yield Lines(number, [rest])
