"""The events, and the right answer: computed from the calls, never from the events.

    python -m bench.peers.workload BROKER TOPIC EVENTS [QUEUES]

writes them to a topic and prints the truth as JSON. They are valid Firstline events, so that its worker reads the same topic.
"""

import json
import random
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from bench.peers.job import BASE_S, PANE_MS, PARTITIONS, TARGET_MS, weight

DENSITY = 139.0
"""Events a second of event time: a million take two hours."""
_JITTER_MS = 400
"""Records come so far out of order, at the density above, but never those of one call."""


class Sent(NamedTuple):
    """A record, and the instant (ms) of its event."""

    time: int
    key: bytes
    value: bytes


@dataclass(frozen=True)
class Truth:
    """What is right at `end` (ms), when just the events before it have happened."""

    totals: dict[str, list[int]]
    """As `bench.peers.job.Totals`."""
    answered_wait: dict[str, int]
    """Queue → sum of the waits (ms) of what was answered: Firstline's speed of answer has those only."""
    backlog: dict[str, int]
    """Queue → what is open to Firstline, where a missed call is over before its end is told."""
    end: int
    events: int


@dataclass(frozen=True)
class _Call:
    number: int
    queue: str
    about: str
    agent: str
    offered: int
    left: int
    answered: bool
    ended: int


def make(
    events: int, *, queues: int = 20, density: float = DENSITY, base_ms: int = BASE_S * 1000, seed: int = 7
) -> tuple[list[Sent], Truth]:
    """So many events in the order of sending. A higher density makes the calls shorter: as many are open at any time."""
    rnd = random.Random(seed)
    faster = density / DENSITY
    calls = list(_calls(rnd, int(events / 3 + density / 3 * 500 / faster), queues, density, base_ms, faster))
    end = sorted(time for call in calls for time in (call.offered, call.left, call.ended))[events]
    jitter = _JITTER_MS / faster
    sent = [(each.time + rnd.uniform(-jitter, jitter), each) for call in calls for each in _events(call) if each.time < end]
    sent.sort(key=lambda pair: pair[0])
    return [each for _, each in sent], _truth(calls, end, len(sent))


def whole(calls: int, *, density: float, base_ms: int = BASE_S * 1000, answered: bool = False) -> Iterator[list[Sent]]:
    """The events of one call after another, into one queue, with nothing but what they yield in memory; `answered`: of those only."""
    rnd = random.Random(7)
    for call in _calls(rnd, calls * 2 if answered else calls, 1, density, base_ms, density / DENSITY):
        if call.answered or not answered:
            yield list(_events(call))
            calls -= 1
            if not calls:
                return


def _calls(rnd: random.Random, number: int, queues: int, density: float, base_ms: int, faster: float) -> Iterator[_Call]:
    """In the order in which they come in, one queue hot."""
    at = float(base_ms)
    for i in range(number):
        at += rnd.expovariate(density / 3 / 1000)
        offered = int(at)
        left = offered + int((1000 + min(rnd.expovariate(1 / 14_000), 600_000)) / faster)
        answered = rnd.random() < 0.85
        ended = left + int((1000 + (min(rnd.expovariate(1 / 150_000), 1_200_000) if answered else 0)) / faster)
        queue = f"queue-{min(int(rnd.expovariate(3.6 / queues)), queues - 1):02d}"
        about = (
            f'"queue":"{queue}","team":"team-{queue[-1]}","priority":"{rnd.randint(1, 5)}","customer":"cust-{rnd.randrange(10**7):07d}",'
            f'"reason":"{rnd.choice(("billing", "delivery", "technical", "returns"))}","language":"{rnd.choice(("en", "de", "fr"))}",'
            '"direction":"inbound","visit":"1"'
        )
        yield _Call(i, queue, about, f"agent-{rnd.randrange(400):04d}", offered, left, answered, ended)


def _events(call: _Call) -> Iterator[Sent]:
    by_agent = f',"agent":"{call.agent}"' if call.answered else ""
    yield _sent(call, 0, call.offered, "call.queued", "")
    yield _sent(call, 1, call.left, *(("call.answered", by_agent) if call.answered else ("call.missed", ',"outcome":"abandoned"')))
    yield _sent(call, 2, call.ended, "call.ended", by_agent + ',"by":"customer"')


def _sent(call: _Call, step: int, time: int, kind: str, more: str) -> Sent:
    subject = f"call-{call.number:07d}"
    when = datetime.fromtimestamp(time // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    value = (
        f'{{"id":"ev-{call.number:07d}-{step}","source":"/pbx/eu-1","specversion":"1.0","type":"{kind}","time":"{when}.{time % 1000:03d}Z",'
        f'"subject":"{subject}","datacontenttype":"application/json","data":{{{call.about}{more}}}}}'
    )
    return Sent(time, subject.encode(), value.encode())


def _truth(calls: Iterable[_Call], end: int, events: int) -> Truth:
    totals: dict[str, list[int]] = {}
    answered_wait: dict[str, int] = {}
    backlog: dict[str, int] = {}
    for call in calls:
        if call.offered >= end:
            continue
        total = totals.setdefault(call.queue, [0] * 7)
        _add(total, call.offered, [1, 0, 0, 0, 0])
        total[5] += call.ended >= end
        backlog[call.queue] = backlog.get(call.queue, 0) + ((call.ended if call.answered else call.left) >= end)
        wait = call.left - call.offered
        if call.left < end:
            within = call.answered and wait <= TARGET_MS
            _add(total, call.left, [0, int(call.answered), int(within), int(not call.answered), wait])
            if call.answered:
                answered_wait[call.queue] = answered_wait.get(call.queue, 0) + wait
    return Truth(totals, answered_wait, backlog, end, events)


def _add(total: list[int], time: int, sums: list[int]) -> None:
    for i, each in enumerate(sums):
        total[i] += each
    total[6] += (time - BASE_S * 1000) // PANE_MS * weight(*sums)


def load(broker: str, topic: str, sent: Iterable[Sent]) -> None:
    """Writes the records and waits until all are acknowledged. Raises `KafkaException`."""
    from confluent_kafka import Producer

    producer = Producer(
        {
            "bootstrap.servers": broker, "partitioner": "murmur2_random", "enable.idempotence": True, "linger.ms": 50,
            "batch.size": 1 << 18, "log_level": 0, "queue.buffering.max.messages": 200_000, "delivery.report.only.error": True,
        }
    )  # fmt: skip
    for each in sent:
        while True:
            try:
                producer.produce(topic, each.value, each.key)
                break
            except BufferError:
                producer.poll(0.05)
    if left := producer.flush(120):
        raise RuntimeError(f"{left} of the events were not taken by the broker")


def main() -> None:
    broker, topic, events, *more = sys.argv[1:]
    sent, truth = make(int(events), queues=int(more[0]) if more else 20)
    load(broker, topic, sent)
    print(json.dumps(truth.__dict__ | {"partitions": PARTITIONS, "bytes": sum(len(each.value) for each in sent) / len(sent)}))


if __name__ == "__main__":
    main()
