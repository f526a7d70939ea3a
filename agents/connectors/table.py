"""Delimited exports, read row by row: plain or gzip, any line ends, every fault with its file, line, field and remedy."""

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from agents.recording_files import STDIN, name_of
from streams.errors import SourceError

_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Row:
    """One row by column name, and where it stands: `file` as messages call it, `line` counted from 1, the header included."""

    file: str
    line: int
    values: dict[str, str]

    def __getitem__(self, field: str) -> str:
        return self.values[field]

    def known(self, field: str, *unknown: str) -> str | None:
        """The text of `field`, or None when it is empty or one of the source's own marks for "not known"."""
        value = self.values[field]
        return None if not value or value in unknown else value

    def filled(self, field: str) -> str:
        """The text of `field`, which may not be empty."""
        value = self.values[field]
        if not value:
            raise self.fault(field, "a value is expected")
        return value

    def count(self, field: str) -> int:
        """A whole number, 0 or more."""
        value = self.values[field]
        if not (value.isascii() and value.isdigit()):
            raise self.fault(field, "a whole number is expected")
        return int(value)

    def choice(self, field: str, options: Sequence[str]) -> str:
        """One of `options`."""
        value = self.values[field]
        if value not in options:
            raise self.fault(field, f"one of {', '.join(options)} is expected")
        return value

    def fault(self, field: str, remedy: str) -> SourceError:
        """An error that names this row and `field`; `remedy` says what belongs there."""
        return SourceError(
            f"{self.file}, line {self.line}, field {field}: {self.values[field]!r} cannot be read: {remedy}; mend the row or remove it"
        )


def rows(path: Path, fields: Sequence[str], delimiter: str, *, quoted: bool) -> Iterator[Row]:
    """The rows of an export that has at least the columns `fields`, in any order. Blank lines are skipped.

    `quoted` says whether the format knows quoting; without it a quote is an ordinary character.
    Raises `SourceError` for a file that cannot be read, a missing column and a row with too few or too many values.
    """
    line = 0
    shown = name_of(path)
    try:
        with _open(path) as text:
            reader = csv.reader(text, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE, strict=True)
            header = next(reader, [])
            line = reader.line_num
            missing = [field for field in fields if field not in header]
            if missing:
                raise SourceError(
                    f"{shown}, line 1, field {missing[0]}: column missing ({len(missing)} in all); "
                    f"the first line must be a header with the columns {', '.join(fields)}"
                )
            for values in reader:
                line = reader.line_num
                if not values:
                    continue
                if len(values) != len(header):
                    raise SourceError(
                        f"{shown}, line {line}, field {header[min(len(values), len(header) - 1)]}: {len(values)} values where the header "
                        f"has {len(header)} columns; mend the row or remove it"
                    )
                yield Row(shown, line, dict(zip(header, values, strict=True)))
    except UnicodeDecodeError as exc:
        raise SourceError(f"{shown}, after line {line}, field unknown: not UTF-8 text ({exc.reason}); convert the file to UTF-8") from exc
    except csv.Error as exc:
        raise SourceError(f"{shown}, after line {line}, field unknown: not a delimited row ({exc}); mend the row or remove it") from exc
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise SourceError(f"{shown}, after line {line}, field unknown: damaged gzip data ({exc}); fetch the file again") from exc
    except OSError as exc:
        raise SourceError(f"{shown}: the file cannot be read ({exc.strerror or exc}); check the path and its permissions") from exc


@contextmanager
def _open(path: Path) -> Iterator[IO[str]]:
    with cast(io.BufferedReader, sys.stdin.buffer) if path == STDIN else path.open("rb") as raw:
        # By content, not by name: exports lose and gain endings on their way.
        packed = raw.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC)
        with io.TextIOWrapper(gzip.GzipFile(fileobj=raw) if packed else raw, encoding="utf-8-sig", newline="") as text:
            yield text
