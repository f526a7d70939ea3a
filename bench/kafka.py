"""The broker of the bench, and what it is asked: topics, ends, commits."""

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from bench.peers.job import PARTITIONS
from bench.peers.workload import Truth
from bench.processes import module
from tests.integration.kafka_server import KafkaServer

COMPACT = {"cleanup.policy": "compact"}
_TIMEOUT_S = 15.0


@dataclass(frozen=True)
class Dataset:
    """A topic full of events. Firstline's worker reads it under `prefix`."""

    prefix: str
    topic: str
    ends: tuple[int, ...]
    truth: Truth

    @property
    def events(self) -> int:
        return self.truth.events


@dataclass
class Kafka:
    """One real broker, everything in a folder."""

    folder: Path
    server: KafkaServer = field(init=False)
    _datasets: dict[tuple[int, int], Dataset] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # As much memory as the broker of a small site has, and its hot code compiled in full: it must not be what is measured.
        # Workers that are started together are to share the partitions from the first.
        self.server = KafkaServer(self.folder / "kafka", java=("-Xmx1g",), properties="group.initial.rebalance.delay.ms=2000\n")

    @property
    def address(self) -> str:
        return self.server.address

    @property
    def pid(self) -> int:
        assert self.server.process is not None
        return self.server.process.pid

    @contextlib.contextmanager
    def running(self) -> Iterator["Kafka"]:
        """Raises `ServerUnavailable` if it cannot be had."""
        self.server.start()
        self._admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        try:
            yield self
        finally:
            self.server.kill()

    def create(self, topic: str, partitions: int, config: Mapping[str, str] | None = None) -> None:
        for made in self._admin.create_topics([NewTopic(topic, partitions, 1, config=dict(config or {}))]).values():
            made.result(_TIMEOUT_S)

    def delete(self, having: str) -> None:
        """Deletes the topics whose names have this in them, and waits until they are gone."""
        deadline = time.monotonic() + _TIMEOUT_S
        while names := [name for name in self._admin.list_topics(timeout=_TIMEOUT_S).topics if having in name]:
            for gone in self._admin.delete_topics(names).values():
                with contextlib.suppress(KafkaException):
                    gone.result(_TIMEOUT_S)
            if time.monotonic() > deadline:
                raise RuntimeError(f"topics are not gone: {', '.join(names)}")
            time.sleep(0.05)

    def ends(self, topic: str) -> tuple[int, ...]:
        consumer = self.consumer("ends")
        try:
            return tuple(consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=_TIMEOUT_S)[1] for p in range(PARTITIONS))
        finally:
            consumer.close()

    def consumer(self, group: str, *topics: str, partitions: int = 1, **config: object) -> Consumer:
        """A consumer that has these topics from their starts."""
        consumer = Consumer({"bootstrap.servers": self.address, "group.id": group, "enable.auto.commit": False, "log_level": 0, **config})
        if topics:
            consumer.assign([TopicPartition(topic, p, 0) for topic in topics for p in range(partitions)])
        return consumer

    def dataset(self, events: int, queues: int = 20) -> Dataset:
        """The events on a topic, written the first time; by another process, since it needs much memory."""
        known = self._datasets.get((events, queues))
        if known is None:
            prefix = f"e{events}-q{queues}-"
            topic = prefix + "calls"
            self.create(topic, PARTITIONS)
            command = module("bench.peers.workload", self.address, topic, events, queues)
            told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            truth = Truth(told["totals"], told["answered_wait"], told["backlog"], told["end"], told["events"])
            known = self._datasets[events, queues] = Dataset(prefix, topic, self.ends(topic), truth)
            if sum(known.ends) != truth.events:
                raise RuntimeError(f"{sum(known.ends)} events are on {topic}, not {truth.events}")
        return known
