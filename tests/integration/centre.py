"""What the integration tests share: an input with all its faults, workers as processes, and the truth read back from the topics."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from agents import topics
from agents.settings import Settings
from agents.topics import DEAD_LETTERS, LEDGER
from streams.events import INTERACTION_TOPICS, Event, encode, make, pack, unpack
from streams.ledger_records import GRAVE, parse_key
from streams.partitioning import partition_of

START_MS = 1_700_000_000_000
END_MS = START_MS + 100_000_000
Sets = dict[str, set[bytes]]


@dataclass(frozen=True)
class Input:
    """Records to produce, in order: (topic, partition or None for the key's, key, value); and what they come to."""

    records: list[tuple[str, int | None, str, bytes]]
    truth: Sets
    poison: set[bytes]
    misplaced: int


def make_input(seed: int, interactions: int, partitions: int) -> Input:
    """Calls with a tenth of the records twice, shuffled, some in the wrong partition, some poison; last the recording's end everywhere."""
    rnd = random.Random(seed)
    events: list[tuple[str, Event]] = []
    for i in range(interactions):
        subject, t = f"call-{seed}-{i}", START_MS + i * 1000
        for step, kind in enumerate(("call.queued", rnd.choice(("call.answered", "call.missed")), "call.ended")):
            time_ms = t + step * rnd.randrange(1000, 60_000)
            events.append((subject, make(kind, time_ms, f"{subject}.{step}", "pbx", queue=rnd.choice("abc"))))
    truth: Sets = {}
    for subject, event in events:
        truth.setdefault(subject, set()).add(pack((event,)))
    flow = events + rnd.sample(events, len(events) // 10)
    rnd.shuffle(flow)
    records: list[tuple[str, int | None, str, bytes]] = []
    misplaced = 0
    for subject, event in flow:
        wrong = rnd.random() < 0.02
        place = (partition_of(subject.encode(), partitions) + 1) % partitions if wrong else None
        misplaced += wrong
        records.append(("calls", place, subject, encode(subject, event)))
    poison = {b'{"not": "an event", "n": %d}' % n for n in range(interactions // 50)} | {b"\xff\x00", b"[]"}
    for value in poison:
        records.insert(rnd.randrange(len(records)), ("calls", None, "poison", value))
    end = encode("recording", make("recording.ended", END_MS, "end", "replay"))
    records += [("control", partition, "recording", end) for partition in range(partitions)]
    truth["recording"] = {pack((make("recording.ended", END_MS, "end", "replay"),))}
    return Input(records, truth, poison, misplaced)


def small(broker: str, **more: Any) -> Settings:
    """Settings of two partitions under names that no other test uses, with the topics made."""
    name = uuid4().hex[:8]
    settings = Settings(
        brokers=broker, group=f"g-{name}", topic_prefix=f"{name}-", partitions=2, session_timeout=6, commit_interval=0.3, **more
    )
    topics.ensure(settings)
    return settings


@dataclass
class Centre:
    """One group of workers on a broker, with topics of its own."""

    settings: Settings
    folder: Path
    partitions: int
    program: tuple[str, ...] = ("tests.integration.worker_process",)
    """The module that a worker is, and its arguments."""
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def produce(self, records: list[tuple[str, int | None, str, bytes]], transaction: Literal["commit", "abort"] | None = None) -> None:
        """Sends records and waits until they are there, within a transaction if one is named by its end."""
        own = {"transactional.id": uuid4().hex} if transaction else {}
        producer = Producer({"bootstrap.servers": self.settings.brokers, "partitioner": "murmur2_random", "log_level": 0, **own})
        if transaction:
            producer.init_transactions(30)
            producer.begin_transaction()
        for n, (topic, partition, key, value) in enumerate(records):
            where = {} if partition is None else {"partition": partition}
            producer.produce(self.settings.topic(topic), value, key, **where)
            if n % 1000 == 0:
                producer.poll(0)
        assert producer.flush(30) == 0
        if transaction:
            (producer.commit_transaction if transaction == "commit" else producer.abort_transaction)(30)

    @contextmanager
    def feeding(self, records: list[tuple[str, int | None, str, bytes]], rate: int) -> Iterator[threading.Thread]:
        """Produces in the background, so many records a second; waits for it at the end."""

        def feed() -> None:
            for n in range(0, len(records), rate // 10):
                self.produce(records[n : n + rate // 10])
                time.sleep(0.1)

        thread = threading.Thread(target=feed)
        thread.start()
        yield thread
        thread.join()

    def opened(self) -> int:
        """How often a worker has opened a partition."""
        return self.logs().count("partition opened")

    def start(self, *, log: str = "", **environment: str) -> "subprocess.Popen[bytes]":
        """Starts a worker; `environment` is put on top of the settings, `log` says where its log goes instead of the folder."""
        values = self.settings.model_dump(exclude_none=True)
        ours = {f"FIRSTLINE_{name.upper()}": str(value) for name, value in values.items()}
        number = len(self.workers)
        with Path(log or self.folder / f"worker-{number}.log").open("ab") as out:
            worker = subprocess.Popen(
                [sys.executable, "-m", *self.program],
                cwd=Path(__file__).parents[2],
                env={**os.environ, **ours, "SNAPSHOTS": str(self.folder / f"snapshots-{number}.jsonl"), **environment},
                stdout=out,
                stderr=out,
            )
        self.workers.append(worker)
        return worker

    def stop(self, worker: "subprocess.Popen[bytes]", number: int = signal.SIGTERM) -> int:
        worker.send_signal(number)
        return worker.wait(30)

    def end(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait()

    def logs(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("worker-*.log")))

    def snapshots(self, since: int = 0) -> list[dict[str, Any]]:
        """What the workers from a number on have published so far, by worker and in the order of publication."""
        paths = [self.folder / f"snapshots-{number}.jsonl" for number in range(since, len(self.workers))]
        lines = [line for path in paths if path.exists() for line in path.read_text().splitlines(keepends=True)]
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def final_rows(self, since: int = 0) -> dict[str, dict[str, Any]]:
        """By name, the rows of the final state that workers from a number on have published; none if there is no such state."""
        rows: dict[str, dict[str, Any]] = {}
        for snapshot in self.snapshots(since):  # each says what has changed since the one before
            for name, row in snapshot["rows"].items():
                if row is None:  # its segment has become empty
                    rows.pop(name, None)
                else:
                    rows[name] = row
        return rows

    # -- the truth of the topics

    def read(self, topic: str) -> Iterator[tuple[int, bytes | None, bytes | None, dict[str, bytes]]]:
        """Every record of a topic: partition, key, value, headers."""
        name = self.settings.topic(topic)
        consumer = self._consumer("observer")
        count = len(consumer.list_topics(name, timeout=10).topics[name].partitions)
        consumer.assign([TopicPartition(name, partition, 0) for partition in range(count)])
        ended: set[int] = set()
        while len(ended) < count:
            message = consumer.poll(10)
            assert message is not None, f"{name} cannot be read to its end"
            if message.error():
                ended.add(message.partition())
            else:
                yield message.partition(), message.key(), message.value(), dict(message.headers() or ())
        consumer.close()

    def ledger(self) -> Sets:
        """The sets united straight from the changelog, without any code of the worker: the last record of each key."""
        last = {(partition, key): value for partition, key, value, _ in self.read(LEDGER)}
        out: Sets = {}
        for (partition, raw_key), value in last.items():
            key = parse_key(raw_key or b"")
            if value is not None and key.subject is not None and key.chunk != GRAVE:
                assert key.subject == "recording" or partition_of(key.subject.encode(), self.partitions) == partition
                out.setdefault(key.subject, set()).update(pack((event,)) for event in unpack(value))
        return out

    def dead_letters(self) -> list[tuple[bytes | None, dict[str, bytes]]]:
        return [(value, headers) for _, _, value, headers in self.read(DEAD_LETTERS)]

    def committed(self) -> int:
        """Committed offsets of all source partitions, summed; a partition without one counts as 0."""
        consumer = self._consumer(self.settings.group)
        for attempt in range(50):
            try:
                found = consumer.committed(self._sources(), timeout=10)
                break
            except KafkaException as exc:  # a broker that has just started is still loading its groups
                if "COORDINATOR" not in exc.args[0].name() or attempt == 49:
                    raise
                time.sleep(0.2)
        consumer.close()
        return sum(max(0, place.offset) for place in found)

    def ends(self) -> int:
        consumer = self._consumer("observer")
        out = 0
        for place in self._sources():
            found = None
            for _ in range(5):  # None: not within the time; a broker under attack may be slow
                found = found or consumer.get_watermark_offsets(place, timeout=10)
            assert found is not None, f"no end of {place.topic}/{place.partition} within 50 s"
            out += found[1]
        consumer.close()
        return out

    def _consumer(self, group: str) -> Consumer:
        own = {"enable.partition.eof": True, "enable.auto.commit": False, "log_level": 0}
        return Consumer({"bootstrap.servers": self.settings.brokers, "group.id": group, **own})

    def _sources(self) -> list[TopicPartition]:
        return [TopicPartition(self.settings.topic(topic), p) for topic in INTERACTION_TOPICS for p in range(self.partitions)]

    def wait(self, condition: Callable[[], bool], seconds: float = 45.0) -> None:
        """Polls; fails with the workers' logs if it takes too long or one ended by itself."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s\n{self.logs()[-6000:]}"
            time.sleep(0.2)

    def wait_until_read(self) -> None:
        self.wait(lambda: self.committed() == self.ends())
