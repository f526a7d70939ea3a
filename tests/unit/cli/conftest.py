"""The command line in this process, untouched by the environment of whoever runs the tests."""

import os

import pytest

from tests.command import Firstline


@pytest.fixture
def firstline(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Firstline:
    for name in os.environ:
        if name.startswith("FIRSTLINE_"):
            monkeypatch.delenv(name)
    return Firstline(capsysbinary)
