"""The commands as one application, and what becomes of what they raise."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated

import typer

from agents.cli.common import FailedError, tell
from streams.errors import FirstlineError

HELP = """Real-time service level, response time and backlog for contact centres: exact, early, the same live and in history.

\b
Examples:
  firstline report calls.jsonl --by queue
  firstline generate --days 7 | firstline report -
"""


COMMANDS = {
    "demo": "processes",
    "report": "report",
    "worker": "processes",
    "wallboard": "processes",
    "replay": "replay",
    "verify": "verify",
    "check": "servers",
    "topics": "servers",
    "generate": "generate",
    "convert": "convert",
}
"""Each command's module, in the order of the help."""


def build(args: Sequence[str] = ()) -> typer.Typer:
    """The application with all its commands, or with the one that `args` begin with: the others need not be loaded."""
    app = typer.Typer(help=HELP, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback(invoke_without_command=True)(_root)
    for name in args[:1] if args and args[0] in COMMANDS else COMMANDS:
        # Here, so that Ctrl-C while they load is met by `run`.
        app.command(name)(getattr(import_module(f"agents.cli.{COMMANDS[name]}"), name))
    return app


def _version(on: bool) -> None:
    if on:
        from importlib.metadata import version

        typer.echo(f"firstline {version('firstline')}")
        raise typer.Exit


def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_version)] = False,
) -> None:
    if context.invoked_subcommand is None:
        tell(context.get_help())
        raise typer.Exit(2)


_root.__doc__ = HELP


def run(args: Sequence[str] | None = None) -> int:
    """Runs one command line (`sys.argv` without `args`) and gives its exit code; a person's mistake is told on stderr, never raised."""
    streams = sys.stdout, sys.stderr
    given = sys.argv[1:] if args is None else args
    try:
        return guarded(lambda: typer.main.get_command(build(given)).main(given, prog_name="firstline", standalone_mode=False))
    finally:
        sys.stdout, sys.stderr = streams


def guarded(command: Callable[[], object]) -> int:
    """Runs what a command does and gives its exit code; a person's mistake is told on stderr, never raised."""
    try:
        code = command()
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except typer.Exit as exc:
        return int(exc.exit_code)
    except typer.TyperException as exc:
        # Typer leaves in what pydantic calls every fault that it finds.
        return _told(exc.format_message().replace(": Value error, ", ": ") + _hint(exc), exc.exit_code)
    except FailedError as exc:
        return _told(str(exc), 1)
    except FirstlineError as exc:
        return _told(str(exc), 2)
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        return 0  # Whoever reads us has seen enough (`| head`).
    except SystemExit as exc:
        # The same, met by Typer first.
        if isinstance(exc.__context__, BrokenPipeError):
            return 0
        raise


def _hint(exc: typer.TyperException) -> str:
    path = getattr(getattr(exc, "ctx", None), "command_path", None)
    return f"\nTry: {path} --help" if path else ""


def _told(message: str, code: int) -> int:
    tell(f"error: {message}" if code else message)
    return code
