"""What reaches stderr: our own lines from the chosen level, libraries only when something is wrong."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from agents import logs


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.parametrize(("level", "expected"), [("INFO", ["opened", "late", "[^App]: Crashed"]), ("WARNING", ["late", "[^App]: Crashed"])])
def test_services_of_mode_are_quiet_unless_something_is_wrong(level: str, expected: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(level, json=True)
    ours = structlog.get_logger("agents.here")
    ours.info("opened")
    ours.warning("late")
    service = logging.getLogger("agents.app")
    service.info("[^%s]: Starting...", "App")
    service.info("[^App]: Stopping...")
    service.error("[^App]: Crashed")
    logging.getLogger("faust.worker").info("hello")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == expected
