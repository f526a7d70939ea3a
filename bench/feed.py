"""Sends events with times of now, as a process of its own, in one of three ways; what it did stands on its output, a line each.

    python -m bench.feed BROKER PREFIX steady EVENTS_A_SECOND SECONDS [PROBES_A_SECOND]
    python -m bench.feed BROKER PREFIX centre INTERACTIONS_A_DAY SECONDS [PROBES_A_SECOND]
    python -m bench.feed BROKER PREFIX burst EVENTS

Lines: `rate EVENTS_A_SECOND` first, `probe MS` for each probe, `sent EVENTS MS` at the end. A probe is a call into the queue `probe`,
so that the count of that queue in the API tells which of them can be seen.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from confluent_kafka import Producer

from bench.centre import Centre
from bench.peers.workload import Sent, make

PROBE_QUEUE = "probe"
_STEP_S = 0.01


class Due(NamedTuple):
    """A record and when it is to be sent, in seconds from the start."""

    at: float
    topic: str
    key: bytes
    value: bytes


class Feed:
    """The producer, and the pace."""

    def __init__(self, broker: str, prefix: str) -> None:
        self._prefix = prefix
        self._producer = Producer(
            {
                "bootstrap.servers": broker, "partitioner": "murmur2_random", "linger.ms": 5, "log_level": 0,
                "queue.buffering.max.messages": 1_000_000, "delivery.report.only.error": True,
            }
        )  # fmt: skip
        self.sent = 0

    def put(self, topic: str, key: bytes, value: bytes) -> None:
        while True:
            try:
                self._producer.produce(self._prefix + topic, value, key)
                break
            except BufferError:
                self._producer.poll(0.02)
        self.sent += 1

    def pace(self, records: Iterable[Due], probes: float, began: float, seconds: float) -> None:
        """Sends each record at its time, and so many probes a second between them."""
        waiting, number = iter(records), 0
        following: Any = next(waiting, None)
        while (passed := time.time() - began) < seconds:
            while following is not None and following.at <= passed:
                self.put(following.topic, following.key, following.value)
                following = next(waiting, None)
            while probes and number < passed * probes:
                number += 1
                self._probe(number, began)
            self._producer.poll(0)
            time.sleep(max(0.0, _STEP_S - (time.time() - began - passed)))
        self.end()

    def _probe(self, number: int, began: float) -> None:
        now = time.time()
        name = f"probe-{began:.0f}-{number}"
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"
        value = (
            f'{{"id":"{name}","source":"/bench","specversion":"1.0","type":"call.queued","time":"{when}","subject":"{name}",'
            f'"data":{{"queue":"{PROBE_QUEUE}"}}}}'
        )
        self.put("calls", name.encode(), value.encode())
        print("probe", int(now * 1000), flush=True)

    def end(self) -> None:
        self._producer.flush(60)
        print("sent", self.sent, int(time.time() * 1000), flush=True)


def _steady(sent: Iterable[Sent], began_ms: int) -> Iterator[Due]:
    for each in sent:
        yield Due((each.time - began_ms) / 1000, "calls", each.key, each.value)


def main() -> None:
    broker, prefix, way, *numbers = sys.argv[1:]
    amount, seconds, probes = (*map(float, numbers), 0.0, 0.0)[:3]
    feed = Feed(broker, prefix)
    seed = time.time_ns() % 1_000_000_007
    if way == "burst":
        # Its instants are those of the sending, roughly: what matters is that they lie within the bound of the clock.
        for each in make(int(amount), density=200_000, base_ms=int(time.time() * 1000), seed=seed)[0]:
            feed.put(
                "calls", b"burst-" + each.key, each.value.replace(b'"subject":"', b'"subject":"burst-').replace(b'"id":"', b'"id":"burst-')
            )
        feed.end()
    elif way == "centre":
        centre = Centre(int(amount))
        began = time.time() + 0.5
        print("rate", round(centre.events_a_second), flush=True)
        feed.pace((Due(*each) for each in centre.events(began, seconds)), probes, began, seconds)
    else:
        began_ms = int(time.time() * 1000) + 3000 + int(amount * seconds / 20)  # the events are made before the first is due
        sent, _ = make(int(amount * seconds), density=amount, base_ms=began_ms, seed=seed)
        print("rate", round(amount), flush=True)
        feed.pace(_steady(sent, began_ms), probes, began_ms / 1000, seconds)


if __name__ == "__main__":
    main()
