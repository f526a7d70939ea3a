"""What several commands share: the policy option, notes on stderr, the progress bar."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from streams.errors import FirstlineError, PolicyError
from streams.policy import DEFAULT, Policy, load


class FailedError(FirstlineError):
    """Something outside that does not work, such as a broker that does not answer: exit 1, where wrong use is exit 2."""


class OptionError(FirstlineError):
    """An option whose value makes no sense; the message names the option and what to write instead."""


_POLICY_VARIABLE = "FIRSTLINE_POLICY"
PolicyFile = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", envvar=_POLICY_VARIABLE, help="Policy file (TOML), else the shipped policy.")
]
Recordings = Annotated[
    list[Path], typer.Argument(metavar="FILE", help="CloudEvents as JSON lines, plain, .gz or .zst; - is stdin.", show_default=False)
]
OptionalRecordings = Annotated[
    list[Path] | None, typer.Argument(metavar="FILE", help="CloudEvents as JSON lines, plain, .gz or .zst; - is stdin.", show_default=False)
]
DeadLetters = Annotated[Path | None, typer.Option("--dead-letters", metavar="FILE", help="Write lines that are no event here, untouched.")]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at the first line that is no event (exit 2).")]


def policy_of(path: Path | None) -> Policy:
    """The policy of a file, or the shipped one; what it asks for in vain is told. Raises `PolicyError`."""
    if path is None:
        return DEFAULT
    # If both name the same file, either may be mended.
    where = _POLICY_VARIABLE if os.environ.get(_POLICY_VARIABLE) == str(path) else "--policy"
    if path == Path():
        raise PolicyError(f"{where}: names no file; give the path of a policy file, or leave it out for the shipped policy")
    try:
        policy = load(path.read_text(encoding="utf-8-sig"), str(path))
    except OSError as exc:
        raise PolicyError(f"{where}: {path}: cannot be read ({exc.strerror or exc}); check the path and its permissions") from exc
    except UnicodeDecodeError as exc:
        raise PolicyError(f"{where}: {path}: byte {exc.start} is not UTF-8; save the file as UTF-8") from exc
    for text in policy.notes:
        note(text)
    return policy


def counted(count: int, noun: str) -> str:
    """1 event, 2 events, 1,000 events."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def printable(text: str) -> str:
    """A text of others for a terminal: what would move its cursor, colour it or reverse it is shown escaped."""
    return text if text.isprintable() else "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def tell(text: str) -> None:
    """Lines for people, on stderr. That nobody can be told changes nothing."""
    with suppress(OSError):
        typer.echo("\n".join(map(printable, text.split("\n"))), err=True)


def note(text: str) -> None:
    """One line for people, on stderr."""
    tell(f"note: {printable(text)}")


def warn(text: str) -> None:
    """One line on what is wrong but stops nothing, on stderr."""
    tell(f"warning: {printable(text)}")


@contextmanager
def progress(what: str, total: int | None, *, unit: str = "") -> Iterator[Callable[[int], object]]:
    """A progress bar on stderr if that is a terminal; gives the function that advances it. `total` is None if not known. It counts bytes,
    or what `unit` says."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    counted_in = (MofNCompleteColumn(), TextColumn(unit)) if unit else (DownloadColumn(), TransferSpeedColumn())
    with Progress(
        TextColumn("{task.description}"), BarColumn(), *counted_in, TimeRemainingColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task(what, total=total)
        yield lambda size: bar.advance(task, size)
