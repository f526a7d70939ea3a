"""The demo over whole recordings: what the API shows at the end is what the report prints, row by row."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streams import policy as policies
from tests.acceptance.live import differences, load, wait_until_final
from tests.acceptance.recordings import recording


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def demo(*args: str) -> Iterator[tuple[str, str]]:
    """A running demo; the addresses of its API and of its metrics."""
    port, metrics_port = free_port(), free_port()
    command = [sys.executable, "-m", "agents.cli", "demo", "--port", str(port), "--metrics-port", str(metrics_port), *args]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{port}", f"http://127.0.0.1:{metrics_port}/metrics"
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                _, errors = process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                _, errors = process.communicate()
                raise AssertionError(f"the demo did not stop: {errors[-2000:]}") from None
            assert process.returncode == 0, errors[-2000:]


def test_the_demo_ends_without_a_word_and_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "agents.cli", "demo", "--port", "0", "--metrics-port", "0", "--duration", "8"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("wallboard  http://127.0.0.1:")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("source", ["bank1999", "servicenow", "ubuntu-irc"])
def test_final_state_of_a_recording_equals_the_report(source: str, tmp_path: Path) -> None:
    path = recording(source, tmp_path)
    with demo("--input", str(path), "--speed", "max") as (url, _):
        wait_until_final(url, 150)
        compared, wrong = differences(url, load(path, policies.DEFAULT), policies.DEFAULT)
    assert wrong == []
    assert compared >= 7
