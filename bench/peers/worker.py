"""`firstline worker` as it is installed, with everything on, on the same topic: default policy and segmentations, deduplication, changelog,
rows, roll-up, alerts, kpis topic, Redis. Its last rows are checked against the same truth.

Its clock starts when it announces in the ledger's changelog that a partition is open, which is before the first event. (a) ends when the
group has committed every event, which it does only after their changelog is acknowledged; then the end of the recording is told, and
(b) ends when the rows of all queues on the kpis topic are right.
"""

import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from confluent_kafka import TopicPartition

from agents import topics
from agents.replay import end as end_recording
from agents.replay_kafka import KafkaSender
from agents.settings import Settings
from bench.kafka import Dataset, Kafka
from bench.peers.harness import Result
from bench.peers.job import PARTITIONS
from bench.processes import Child, cpu, firstline
from tests.integration.kafka_server import ServerUnavailable
from tests.integration.redis_server import RedisServer

NAME = "firstline-worker"
_LOOK_S = 0.02
_PATIENCE_S = 480.0
_NO_REDIS = "redis://127.0.0.1:9/0"
"""Nobody listens there; the one of this machine, if there is any, is not ours."""
_OWN = (topics.LEDGER, topics.PARTIALS, topics.KPIS, topics.ALERTS, topics.DEAD_LETTERS, "control")
"""What a run leaves behind and the next must not find."""
_WINDOW = "today"
_COUNTS = (("offered", 0), ("answered", 1), ("missed", 3))
"""KPI, and its place in the totals of the truth."""


@contextmanager
def redis(folder: Path) -> Iterator[RedisServer | None]:
    """A Redis of its own; None, and a word about it, where there is no redis-server."""
    server = RedisServer(folder / "redis")
    try:
        server.start()
    except ServerUnavailable as exc:
        print(f"without Redis: {exc}")
        yield None
        return
    try:
        yield server
    finally:
        server.kill()


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """The environment that gives a program these settings."""
    told = settings.model_dump(exclude_unset=True)
    return {f"FIRSTLINE_{name.upper()}": str(value) for name, value in told.items()} | more


class Watch:
    """What the worker does, as others see it: by its topics and its group."""

    def __init__(self, kafka: Kafka, settings: Settings, data: Dataset) -> None:
        self._kafka, self._settings, self._data = kafka, settings, data
        group = settings.group
        self._opened = kafka.consumer(f"{group}-opened", settings.topic(topics.LEDGER), partitions=PARTITIONS, **{"fetch.wait.max.ms": 5})
        self._committed = kafka.consumer(group)
        self._rows = kafka.consumer(f"{group}-rows", settings.topic(topics.KPIS), **{"fetch.wait.max.ms": 20})
        self._last: dict[bytes, bytes] = {}

    def has_opened(self) -> bool:
        message = self._opened.poll(_LOOK_S)
        return message is not None and not message.error()

    def opened(self) -> None:
        """Nobody reads the changelog along from here."""
        self._opened.close()

    def has_committed(self) -> bool:
        tps = self._committed.committed([TopicPartition(self._data.topic, p) for p in range(PARTITIONS)], timeout=10)
        return all(tp.offset >= end for tp, end in zip(tps, self._data.ends, strict=True))

    def read_rows(self) -> None:
        for message in self._rows.consume(1000, 0):
            if not message.error():
                self._last[message.key()] = message.value()

    def difference(self) -> str:
        """What is wrong with the newest rows of the queues."""
        return difference(self._last, self._data)

    def close(self) -> None:
        for each in (self._committed, self._rows):
            each.close()


def difference(rows: Mapping[bytes, bytes], data: Dataset) -> str:
    """What is wrong with the rows of the queues on the kpis topic; empty if nothing."""
    for queue, total in sorted(data.truth.totals.items()):
        value = rows.get(json.dumps({"queue": queue}, separators=(",", ":")).encode())
        row = next((row for row in json.loads(value)["rows"] if row["window"] == _WINDOW), None) if value else None
        if row is None:
            return f"no row of {queue}"
        kpis: dict[str, Any] = row["kpis"]
        wanted = {kpi: total[place] for kpi, place in _COUNTS} | {
            "backlog": data.truth.backlog[queue], "within 20 s": total[2],
            "waits of the answered, ms": data.truth.answered_wait.get(queue, 0),
        }  # fmt: skip
        found = {kpi: kpis[kpi]["value"] for kpi, _ in _COUNTS} | {
            "backlog": kpis["backlog"]["value"], "within 20 s": kpis["service_level"].get("numerator") or 0,
            "waits of the answered, ms": round((kpis["speed_of_answer"].get("sum") or 0) * 1000),
        }  # fmt: skip
        if found != wanted:
            return f"{queue}: {found} instead of {wanted}"
    return ""


def run(kafka: Kafka, data: Dataset, folder: Path, *, workers: int = 1, env: Mapping[str, str] | None = None) -> Result:
    """One run. `more` of the result has "final", the seconds until the rows were right, and "rows", the rate until then."""
    ident = f"{NAME}-{time.time_ns() // 1_000_000}"
    for name in _OWN:
        kafka.delete(data.prefix + name)
    with redis(folder) as server:
        settings = Settings(
            brokers=kafka.address, group=ident, topic_prefix=data.prefix, partitions=PARTITIONS, clock="recording", metrics_port=0,
            commit_interval=0.2, redis_url=server.url if server else _NO_REDIS,
        )  # fmt: skip
        topics.ensure(settings)
        result = Result(NAME, data.events)
        children: list[Child] = []
        watch = Watch(kafka, settings, data)
        broker_before = cpu(kafka.pid)
        try:
            for number in range(workers):
                told = environment(settings, **(env or {}))
                children.append(Child(firstline("worker"), folder / f"{NAME}-{number}.log", told, cwd=folder))
            _measure(kafka, settings, data, children, watch, result)
            result.broker_cpu = cpu(kafka.pid) - broker_before
            result.peak = sum(child.peak() for child in children)
        except _Failed as exc:
            result.error = str(exc)
        finally:
            watch.close()
            for child in children:
                child.end()
            shutil.rmtree(folder / "redis", ignore_errors=True)
    return result


class _Failed(Exception):
    pass


def _measure(kafka: Kafka, settings: Settings, data: Dataset, children: Sequence[Child], watch: Watch, result: Result) -> None:
    deadline = time.monotonic() + _PATIENCE_S

    def used() -> float:
        return sum(child.cpu() for child in children)

    def look(what: str) -> None:
        ended = next((child for child in children if child.ended is not None), None)
        if ended is not None:
            raise _Failed(f"ended with {ended.ended}: {ended.tail()[-500:]}")
        if time.monotonic() > deadline:
            raise _Failed(f"{what} not within {_PATIENCE_S:.0f} s: {watch.difference()}")

    while not watch.has_opened():
        look("partitions opened")
    began, before = time.time(), used()
    watch.opened()
    while not watch.has_committed():
        look("all events committed")
        watch.read_rows()
        time.sleep(_LOOK_S)
    result.seconds, result.cpu = time.time() - began, used() - before
    end_recording(KafkaSender(settings, lambda _: "control"), PARTITIONS, data.truth.end)
    while True:
        watch.read_rows()
        if not watch.difference():
            break
        look("right rows")
        time.sleep(_LOOK_S)
    final = time.time() - began
    result.more = {"final": final, "rows": data.events / final}
