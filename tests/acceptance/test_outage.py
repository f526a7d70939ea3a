"""The synthetic centre's outage, through the whole pipeline: the breach alert goes on, and off again; the metrics page passes promtool."""

import json
import os
import shutil
import subprocess
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agents.synthetic import stream
from streams.alerting import Alerts
from streams.policy import load
from tests.acceptance.live import get
from tests.acceptance.test_demo import demo
from tests.compared import product_rows, recording_of
from tests.conftest import unavailable

START_MS = 1_772_442_000_000  # 2026-03-02T09:00:00Z
POLICY = """
version = "outage"
windows = ["1m", "5m", "1h", "today"]
metric_windows = ["5m", "1h"]
"""


def centre(path: Path, minutes: int) -> None:
    """A recording of the demo's centre, whose first outage begins after a minute."""
    start = datetime.fromtimestamp(START_MS / 1000, UTC)
    with path.open("wb") as out:
        for record in stream(1, "outage", start):
            if record.time > START_MS + minutes * 60_000:
                break
            out.write(record.value.rstrip() + b"\n")


def test_the_breach_alert_goes_on_in_the_outage_and_off_after_it(tmp_path: Path) -> None:
    path, policy = tmp_path / "outage.jsonl", load(POLICY)
    centre(path, 14)
    recording = recording_of(path.read_bytes().splitlines())
    alerts, changes = Alerts(), []
    for second in range(0, 14 * 60, 10):
        at = START_MS + second * 1000
        rows = product_rows(recording, policy, "5m", [("channel", "queue")], at=at)
        kpis = {("5m", tuple(row["segment"]), tuple(row["segment"].values())): row["kpis"] for row in rows}
        changes += [(second, alert.segment["queue"], alert.state) for alert in alerts.step(kpis, policy, at)]
    assert changes == [
        (170, "technical", "pending"),
        (190, "service", "pending"),
        (200, "technical", "firing"),
        (220, "service", "firing"),
        (620, "technical", "resolved"),
        (670, "service", "resolved"),
    ]


@pytest.mark.prometheus
@pytest.mark.timeout(240)
def test_the_demo_shows_the_alert_on_and_off_again(tmp_path: Path) -> None:
    path, policy = tmp_path / "outage.jsonl", tmp_path / "policy.toml"
    centre(path, 14)
    policy.write_text(POLICY)
    seen: dict[str, list[str]] = {}
    page = ""
    # Twenty seconds of the centre in one: 14 minutes take 42 seconds.
    with demo("--input", str(path), "--speed", "20", "--policy", str(policy)) as (url, metrics):
        until = time.monotonic() + 150
        while time.monotonic() < until:
            time.sleep(0.2)
            for alert in _alerts(url):
                states = seen.setdefault(f"{alert['id']} {alert['name']} {alert['segment']}", [])
                if not states or states[-1] != alert["state"]:
                    states.append(alert["state"])
                if alert["state"] == "firing" and alert["name"] == "first_response_time_breach" and not page:
                    page = _page(metrics)
            if any("breach" in name and states[-1] == "resolved" for name, states in seen.items()):
                break
    breaches = [states for name, states in seen.items() if "first_response_time_breach" in name]
    assert ["firing", "resolved"] in [[state for state in states if state != "pending"] for states in breaches], seen
    assert "firstline_alert_active{" in page
    assert any(line.startswith("firstline_alert_active{") and line.endswith(" 1.0") for line in page.splitlines())
    if shutil.which("promtool") is None:
        unavailable("promtool is missing: apt-get install prometheus")
    checked = subprocess.run(["promtool", "check", "metrics"], input=page.encode(), capture_output=True, env={**os.environ})
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def _alerts(url: str) -> list[dict[str, Any]]:
    try:
        alerts: list[dict[str, Any]] = get(url, "/api/v1/alerts")["alerts"]
    except (OSError, json.JSONDecodeError):  # not up yet
        return []
    return alerts


def _page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
    return text
