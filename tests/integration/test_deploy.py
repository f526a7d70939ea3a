"""What is shipped under deploy/, as its own tools see it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import unavailable

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


@pytest.mark.prometheus
def test_prometheus_takes_its_configuration() -> None:
    if shutil.which("promtool") is None:
        unavailable("promtool is missing: apt-get install prometheus")
    checked = subprocess.run(["promtool", "check", "config", str(DEPLOY / "prometheus" / "prometheus.yml")], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
