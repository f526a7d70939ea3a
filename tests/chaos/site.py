"""A centre under attack: its workers, the flow of its events, and the count of what was broken."""

import random
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import Producer

from tests.chaos.given import Given, Record
from tests.integration.centre import Centre
from tests.integration.kafka_server import KafkaServer
from tests.integration.redis_server import RedisServer
from tests.integration.toxiproxy import Toxiproxy

Worker = subprocess.Popen[bytes]
SESSION_SECONDS = 2.0
POLICY = 'tick = "1s"'
"""The shipped policy with half as many ticks: many workers share few cores here."""
_INJECTED = re.compile(r"^fault injected: (.+)$", re.MULTILINE)


class Feeder:
    """Sends the records little by little, so that every fault strikes amid a flow. When all are out, old ones come again."""

    def __init__(self, centre: Centre, given: Given, seconds: float) -> None:
        self._centre, self._given = centre, given
        self._producer = Producer({"bootstrap.servers": centre.settings.brokers, "partitioner": "murmur2_random", "log_level": 0})
        self._share = max(1, int(len(given.records) / seconds / 10))
        self._sent = 0
        self._stop = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._trickle)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def rest(self) -> None:
        """Sends what is left, and last the end of the recording."""
        self._send(self._given.records[self._sent :])
        assert self._producer.flush(120) == 0
        self._send(self._given.end)
        assert self._producer.flush(120) == 0

    def _trickle(self) -> None:
        records, at = self._given.records, 0
        while not self._stop.wait(0.1):
            self._send(records[at : at + self._share])
            at += self._share
            self._sent = min(len(records), max(self._sent, at))
            at %= len(records)

    def _send(self, records: list[Record]) -> None:
        for topic, partition, key, value in records:
            where = {} if partition is None else {"partition": partition}
            self._producer.produce(self._centre.settings.topic(topic), value, key, **where)
            self._producer.poll(0)


@dataclass
class Site:
    """What a scenario may break. Every choice comes from `rnd`."""

    centre: Centre
    kafka: KafkaServer
    rnd: random.Random
    proxy: Toxiproxy | None = None
    redis: RedisServer | None = None
    environment: Callable[[int], dict[str, str]] = lambda number: {}
    """What the worker of a number gets."""
    faults: Counter[str] = field(default_factory=Counter)
    armed: set[int] = field(default_factory=set)
    """Process ids of workers with a fault in them."""
    clock: Path | None = None

    def count(self) -> Counter[str]:
        """The faults so far, those that workers found in themselves included."""
        found = Counter(self.faults)
        found.update(kind.replace("_", " ") for kind in _INJECTED.findall(self.centre.logs()))
        return found

    def alive(self) -> list[Worker]:
        return [worker for worker in self.centre.workers if worker.poll() is None]

    def keep(self, number: int, fault: Callable[[], str] | None = None) -> None:
        """Starts workers until so many run, each with a fault of its own if one is given."""
        while len(self.alive()) < number:
            worker = self.start(**({"FAULT": fault()} if fault else {}))
            if fault:
                self.armed.add(worker.pid)

    def start(self, *, log: str = "", **environment: str) -> Worker:
        return self.centre.start(log=log, **{"POLICY": POLICY, **self.environment(len(self.centre.workers)), **environment})

    def pause(self, low: float, high: float) -> None:
        time.sleep(self.rnd.uniform(low, high))

    def send(self, number: signal.Signals, worker: Worker | None = None) -> Worker | None:
        """Sends a signal to a worker, any by default, and counts it."""
        alive = self.alive()
        if worker is None and not alive:
            return None
        worker = worker or self.rnd.choice(alive)
        worker.send_signal(number)
        self.faults[number.name] += 1
        return worker

    def within(self, seconds: float, condition: Callable[[], bool]) -> bool:
        """Waits for a condition; whether it came true."""
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        return True

    def asleep(self) -> list[Worker]:
        return [worker for worker in self.alive() if _state(worker) == "T"]

    def disarm(self) -> None:
        """The last word is a healthy worker's: sleepers wake, those with a fault in them end."""
        for worker in self.alive():
            worker.send_signal(signal.SIGCONT)
            if worker.pid in self.armed:
                worker.kill()
                worker.wait()


def _state(worker: Worker) -> str:
    try:
        return Path(f"/proc/{worker.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:  # ended meanwhile
        return ""
