"""The command line `firstline`: one module a command; errors for people on stderr, exit 0 fine, 2 wrong use or bad input, 1 failure.

Nothing heavy is imported before `main` runs, so that Ctrl-C while it loads is met there.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import typer


def build(args: Sequence[str] = ()) -> "typer.Typer":
    """The application with all its commands, or with the one that `args` begin with."""
    from agents.cli import application

    return application.build(args)


def run(args: Sequence[str] | None = None) -> int:
    """Runs one command line (`sys.argv` without `args`) and gives its exit code; a person's mistake is told on stderr, never raised."""
    from agents.cli import application

    return application.run(args)


def main() -> NoReturn:
    """The entry point of `firstline`."""
    code = 130
    with suppress(KeyboardInterrupt):
        from agents.cli.common import FailedError
        from agents.cli.outputs import mend_standard_streams

        mend_standard_streams()
        code = run()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, FailedError):
                stream.flush()
    # Everything is written and closed. Taking a recording of millions of events apart object by object would only cost time.
    os._exit(code)
