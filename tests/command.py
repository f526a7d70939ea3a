"""Running the command line in this process, as its entry point does."""

from typing import NamedTuple

import pytest

from agents.cli import run


class Ended(NamedTuple):
    """What a command left behind."""

    code: int
    out: bytes
    err: str


class Firstline:
    """`firstline("report", path)` runs that command line. No stack trace ever reaches a person."""

    def __init__(self, capture: pytest.CaptureFixture[bytes]) -> None:
        self._capture = capture

    def __call__(self, *args: object) -> Ended:
        self._capture.readouterr()
        code = run([str(arg) for arg in args])
        out, err = self._capture.readouterr()
        assert b"Traceback" not in err
        return Ended(code, out, err.decode())
