"""Firstline as a site runs it — workers, Redis, wallboard, each a process — and somebody who watches it from outside."""

import contextlib
import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents import topics
from agents.settings import Settings
from bench.feed import PROBE_QUEUE
from bench.kafka import Kafka
from bench.peers.job import PARTITIONS
from bench.peers.worker import environment
from bench.processes import Child, firstline, module
from tests.integration.kafka_server import ServerUnavailable, free_port
from tests.integration.redis_server import RedisServer

_READY_S = 60.0
_UNSEEN_S = 30.0
_STREAM = f"/api/v1/stream?window=1h&segment=queue:{PROBE_QUEUE}&kpi=offered"


@dataclass
class Stack:
    """What runs."""

    settings: Settings
    workers: list[Child]
    wallboard: Child
    api: str
    metrics: list[str]
    folder: Path
    seen: list[tuple[float, int]] = field(default_factory=list)
    """When (ms) the API's stream first said so many probes."""

    def lag(self) -> float:
        """Events that wait, by the workers' metrics."""
        text = "".join(get(url)[1] for url in self.metrics)
        return sum(float(value) for value in re.findall(r"^firstline_consumer_lag_events\{.*\} (\S+)$", text, re.MULTILINE))

    def ready(self) -> str:
        """What /readyz says, the wallboard's and the workers': "ready", or the reasons why not."""
        answers = [_readyz(url) for url in (self.api, *self._workers_pages())]
        reasons = [reason for each in answers for reason in each.get("reasons", [each["status"]])]
        return "; ".join(["not ready", *reasons]) if reasons else "ready"

    def told_lag(self) -> float:
        """Events that wait, by the workers' /readyz."""
        return sum(_readyz(url).get("lag_events") or 0 for url in self._workers_pages())

    def _workers_pages(self) -> list[str]:
        return [url.removesuffix("/metrics") for url in self.metrics]

    def alive(self) -> bool:
        return all(child.ended is None for child in (*self.workers, self.wallboard))

    def feed(self, kafka: Kafka, *what: object) -> Child:
        """Begins to send (`bench.feed`)."""
        return Child(
            module("bench.feed", kafka.address, self.settings.topic_prefix, *what), self.folder / f"feed-{what[0]}-{time.time():.0f}.log"
        )

    def latencies(self, feed: Child) -> list[float]:
        """Milliseconds from each probe's sending to its being seen in the API; sorted. The first three seconds are left out.

        Waits for those that cannot be seen yet; one that never was counts with the time until now.
        """
        sent = [int(line.split()[1]) for line in feed.log.read_text().splitlines() if line.startswith("probe ")]
        before = next((count for when, count in reversed(self.seen) if when < sent[0]), 0) if sent else 0
        deadline = time.monotonic() + _UNSEEN_S
        while (not self.seen or self.seen[-1][1] - before < len(sent)) and time.monotonic() < deadline:
            time.sleep(0.2)
        out, at, seen = [], 0, [*self.seen, (time.time() * 1000, 1 << 62)]
        for number, when in enumerate(sent, 1):
            while seen[at][1] - before < number:
                at += 1
            if when > sent[0] + 3000:
                out.append(seen[at][0] - when)
        return sorted(out)

    def watch(self) -> None:
        """Follows the stream of the wallboard for as long as there is one."""
        with contextlib.suppress(OSError), urllib.request.urlopen(self.api + _STREAM, timeout=60) as answer:
            for line in answer:
                if line.startswith(b"data:"):
                    now = time.time() * 1000
                    for row in json.loads(line[5:]).get("rows", ()):
                        if row["segment"] == {"queue": PROBE_QUEUE}:
                            self.seen.append((now, row["kpis"]["offered"]["value"]))


def _readyz(url: str) -> dict[str, Any]:
    return dict(json.loads(get(f"{url}/readyz")[1] or '{"status": "no answer"}'))


def get(url: str) -> tuple[int, str]:
    """Status and body; 0 if nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        return exc.code, exc.read().decode()
    except OSError:
        return 0, ""


def percentile(of: Sequence[float], share: float) -> float:
    """Of values that are sorted; NaN of none."""
    return of[min(len(of) - 1, int(len(of) * share))] if of else float("nan")


@contextlib.contextmanager
def running(kafka: Kafka, folder: Path, *, workers: int = 1) -> Iterator[Stack]:
    """Everything, ready. Raises `ServerUnavailable` without a Redis, and RuntimeError if it does not become ready."""
    ident = f"stack-{time.time_ns() // 1_000_000}"
    server = RedisServer(folder / f"{ident}-redis")
    server.start()
    ports = [free_port() for _ in range(workers + 1)]
    settings = Settings(brokers=kafka.address, group=ident, topic_prefix=f"{ident}-", partitions=PARTITIONS, redis_url=server.url)
    topics.ensure(settings)
    env = environment(settings)
    children: list[Child] = []
    try:
        for port in ports[:-1]:
            told = env | {"FIRSTLINE_METRICS_PORT": str(port)}
            children.append(Child(firstline("worker"), folder / f"{ident}-{port}.log", told, cwd=folder))
        wallboard = Child(firstline("wallboard", "--port", str(ports[-1])), folder / f"{ident}-wallboard.log", env, cwd=folder)
        children.append(wallboard)
        metrics = [f"http://127.0.0.1:{port}/metrics" for port in ports[:-1]]
        stack = Stack(settings, children[:-1], wallboard, f"http://127.0.0.1:{ports[-1]}", metrics, folder)
        deadline = time.monotonic() + _READY_S
        while stack.ready() != "ready":
            if time.monotonic() > deadline or not stack.alive():
                raise RuntimeError(f"not ready: {stack.ready()}\n{children[0].tail()}")
            time.sleep(0.2)
        threading.Thread(target=stack.watch, daemon=True).start()
        yield stack
    finally:
        for child in children:
            child.end()
        server.kill()
        kafka.delete(ident)


__all__ = ["ServerUnavailable", "Stack", "get", "percentile", "running"]
