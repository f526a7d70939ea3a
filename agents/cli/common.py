"""What several commands share: the policy option, notes on stderr, the progress bar."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from agents.recording_files import STDIN
from streams.errors import FirstlineError, PolicyError
from streams.policy import DEFAULT, Policy, load


class FailedError(FirstlineError):
    """Something outside that does not work, such as a broker that does not answer: exit 1, where wrong use is exit 2."""


class OptionError(FirstlineError):
    """An option whose value makes no sense; the message names the option and what to write instead."""


PolicyFile = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", envvar="FIRSTLINE_POLICY", help="Policy file (TOML), else the shipped policy.")
]
Recordings = Annotated[
    list[Path], typer.Argument(metavar="FILE", help="CloudEvents as JSON lines, plain, .gz or .zst; - is stdin.", show_default=False)
]
DeadLetters = Annotated[Path | None, typer.Option("--dead-letters", metavar="FILE", help="Write lines that are no event here, untouched.")]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at the first line that is no event (exit 2).")]


def policy_of(path: Path | None) -> Policy:
    """The policy of a file, or the shipped one. Raises `PolicyError`."""
    if path is None or not str(path):
        return DEFAULT
    try:
        return load(path.read_text(encoding="utf-8"), str(path))
    except OSError as exc:
        raise PolicyError(f"--policy: {path}: cannot be read ({exc.strerror or exc}); check the path and its permissions") from exc
    except UnicodeDecodeError as exc:
        raise PolicyError(f"--policy: {path}: byte {exc.start} is not UTF-8; save the file as UTF-8") from exc


def note(text: str) -> None:
    """One line for people, on stderr."""
    typer.echo(f"note: {text}", err=True)


def warn(text: str) -> None:
    """One line on what is wrong but stops nothing, on stderr."""
    typer.echo(f"warning: {text}", err=True)


def dead_letter_file(path: Path, files: Sequence[Path]) -> BinaryIO:
    """The file of `--dead-letters`, opened for writing. Raises `OptionError`, also if it is one of the recordings."""
    if any(file != STDIN and path.exists() and file.exists() and path.samefile(file) for file in files):
        raise OptionError(f"--dead-letters: {path} is one of the recordings and would be overwritten; name another file")
    try:
        return path.open("wb")
    except OSError as exc:
        raise OptionError(f"--dead-letters: {path}: cannot be written ({exc.strerror or exc}); name another file") from exc


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], object]]:
    """A progress bar in bytes on stderr if that is a terminal; gives the function that advances it. `total` is None if not known."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda size: bar.advance(task, size)
