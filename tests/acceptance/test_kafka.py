"""A whole recording through a real Kafka: replayed, taken by two workers of which one is killed midway, read from the API."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from streams import policy as policies
from tests.acceptance.live import differences, get, load, wait_until_final
from tests.acceptance.recordings import recording
from tests.integration.kafka_server import KafkaServer, free_port
from tests.integration.redis_server import RedisServer

pytestmark = [pytest.mark.kafka, pytest.mark.redis, pytest.mark.timeout(600)]


@contextmanager
def command(log: Path, env: dict[str, str], *args: str) -> Iterator[subprocess.Popen[bytes]]:
    """A running `firstline` command; its log is shown if the test fails."""
    with log.open("ab") as out:
        process = subprocess.Popen([sys.executable, "-m", "agents.cli", *args], stdout=out, stderr=out, env={**os.environ, **env})
    try:
        yield process
    except BaseException:
        sys.stderr.write(f"--- {' '.join(args)}\n{log.read_text()[-3000:]}\n")
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def metrics(url: str, name: str) -> dict[str, float]:
    """The series of a metric of a worker; none while it is not up."""
    try:
        with urllib.request.urlopen(url, timeout=5) as page:
            lines = page.read().decode().splitlines()
    except OSError:
        return {}
    return {series: float(value) for series, _, value in (line.rpartition(" ") for line in lines) if series.startswith(name + "{")}


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.mark.parametrize("source", ["bank1999", "servicenow"])
def test_two_workers_one_killed_midway_end_in_the_numbers_of_the_report(
    source: str, tmp_path: Path, kafka: KafkaServer, redis_server: RedisServer
) -> None:
    path = recording(source, tmp_path)
    lines = path.read_bytes().count(b"\n")
    prefix = f"{source}-{os.getpid()}."
    env = {
        "FIRSTLINE_BROKERS": kafka.address,
        "FIRSTLINE_TOPIC_PREFIX": prefix,
        "FIRSTLINE_GROUP": prefix + "workers",
        "FIRSTLINE_PARTITIONS": "4",
        "FIRSTLINE_REDIS_URL": redis_server.url,
        "FIRSTLINE_REDIS_PREFIX": prefix,
        "FIRSTLINE_SESSION_TIMEOUT": "6",
    }
    port, first_port, second_port = free_port(), free_port(), free_port()
    with ExitStack() as stack:

        def start(name: str, *args: str) -> subprocess.Popen[bytes]:
            return stack.enter_context(command(tmp_path / f"{name}.log", env, *args))

        start("wallboard", "wallboard", "--port", str(port))
        victim = start("first", "worker", "--clock", "recording", "--metrics-port", str(first_port))
        start("second", "worker", "--clock", "recording", "--metrics-port", str(second_port))
        pages = [f"http://127.0.0.1:{worker}/metrics" for worker in (first_port, second_port)]
        # One that comes alone would have read it all before the other is there.
        until(
            lambda: all(sum(".calls" in series for series in metrics(page, "firstline_consumer_lag_events")) == 2 for page in pages),
            "the workers have not shared the partitions",
        )
        subprocess.run(
            [sys.executable, "-m", "agents.cli", "replay", str(path)], check=True, env={**os.environ, **env}, stderr=subprocess.DEVNULL
        )
        until(lambda: sum(metrics(pages[0], "firstline_events_total").values()) >= lines // 10, "the first worker reads nothing")
        victim.kill()
        victim.wait()
        time.sleep(1)
        start("again", "worker", "--clock", "recording", "--metrics-port", str(first_port))
        url = f"http://127.0.0.1:{port}"
        wait_until_final(url, 240)
        compared, wrong = differences(url, load(path, policies.DEFAULT), policies.DEFAULT)
        assert get(url, "/readyz")["status"] == "ready"
    AdminClient({"bootstrap.servers": kafka.address}).delete_topics([prefix + name for name in ("calls", "tickets", "chats", "partials")])
    assert wrong == []
    assert compared >= 7
