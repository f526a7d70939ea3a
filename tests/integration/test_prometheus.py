"""The metrics page as Prometheus's own checker sees it."""

import shutil
import subprocess

import pytest
from prometheus_client import generate_latest

from agents.board import Board
from agents.metrics import registry
from agents.pipeline import Pipeline
from agents.wallboard.sample import snapshot
from streams.kpis import REGISTRY
from tests.conftest import unavailable


@pytest.mark.prometheus
def test_promtool_has_nothing_to_say() -> None:
    if shutil.which("promtool") is None:
        unavailable("promtool is missing: apt-get install prometheus")
    board = Board()
    board.publish(snapshot())
    pipeline = Pipeline("0.1.0")
    pipeline.add_events("calls", 5)
    pipeline.add_publish_failure("redis")
    pipeline.set_lag("calls", 0, 3)
    pipeline.event_delay_seconds = 0.2
    pipeline.open_interactions = 4
    page = generate_latest(registry(board, pipeline, REGISTRY, lambda: ("5m", "1h", "today")))
    assert page.count(b"\n") > 1000
    checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
