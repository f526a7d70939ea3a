"""What commands write to: files that say in one line why they cannot be written, and the standard streams, there even if closed."""

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from agents.cli.common import FailedError, OptionError
from agents.recording_files import STDIN

_DEVICE_OF_CLOSED = {0: os.O_WRONLY, 1: os.O_RDONLY, 2: os.O_WRONLY}
"""How to open the null device for a closed standard stream: reading stdin and writing stdout fail, as they should, and stderr is lost."""


class Output(io.FileIO):
    """A file to write to, by path or number. Raises `FailedError` when it is full; a pipe that nobody reads is a `BrokenPipeError`."""

    def __init__(self, file: Path | int, shown: str) -> None:
        super().__init__(file, "wb", closefd=not isinstance(file, int))
        self._shown = shown

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as exc:
            raise FailedError(f"{self._shown}: cannot be written ({exc.strerror or exc}); make room, or write somewhere else") from exc


def mend_standard_streams() -> None:
    """Gives closed standard streams a file, lest sockets get their numbers, and makes stdout an `Output`."""
    for number, flags in _DEVICE_OF_CLOSED.items():
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # gets the lowest number that is free, which is this one
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    # None if it was closed.
    encoding, errors = getattr(sys.stdout, "encoding", "utf-8"), getattr(sys.stdout, "errors", "strict")
    raw = Output(1, "stdout")
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, line_buffering=raw.isatty())


def dead_letter_file(path: Path, files: Sequence[Path]) -> BinaryIO:
    """The file of `--dead-letters`, opened for writing. Raises `OptionError`, also if it is one of the recordings."""
    if any(file != STDIN and path.exists() and file.exists() and path.samefile(file) for file in files):
        raise OptionError(f"--dead-letters: {path} is one of the recordings and would be overwritten; name another file")
    try:
        return io.BufferedWriter(Output(path, f"--dead-letters: {path}"))
    except OSError as exc:
        raise OptionError(f"--dead-letters: {path}: cannot be written ({exc.strerror or exc}); name another file") from exc
