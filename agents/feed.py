"""Feeds the embedded broker: events of a recording or of the synthetic centre, never further ahead than the worker has read."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, Producer

from agents.broker import PARTITIONS, ReadAhead
from agents.replay import end
from agents.settings import Settings
from streams.errors import FirstlineError

CHUNK = 1000
"""Records sent before the broker's acknowledgements, and with them the worker's progress, are looked at."""
_AHEAD_S = 0.05


class FeedingError(FirstlineError):
    """The embedded broker refused a record."""


class Item(NamedTuple):
    """One event to send; `time` in ms."""

    time: int
    key: bytes
    value: bytes
    topic: str


class Feeder:
    """Sends items to the topics of the embedded broker. `ahead` is told what arrived, and holds back."""

    def __init__(self, settings: Settings, ahead: ReadAhead) -> None:
        self._settings = settings
        self._ahead = ahead
        self._error: KafkaError | None = None
        self.sent = 0
        self.last: int | None = None
        """The latest event time sent, ms."""
        self._producer = Producer(
            {
                "bootstrap.servers": settings.brokers,
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                "queue.buffering.max.messages": 10 * CHUNK,
                "message.max.bytes": 4 << 20,
                "on_delivery": self._delivered,
                "log_level": 0,
            }
        )

    async def feed(self, items: Iterable[Item], speed: float | None, now: Callable[[], float] = time.monotonic) -> None:
        """Sends all items; at a speed they must come in the order of their times. Raises `FeedingError`."""
        async for chunk in _paced(items, speed, now):
            for item in chunk:
                self._put(item)
            await self._settle()

    async def finish(self) -> None:
        """Tells every partition that the recording has ended, at the millisecond after the last event."""
        if self.last is not None:
            end(self, PARTITIONS, self.last + 1)
            await self._settle()

    def _put(self, item: Item) -> None:
        self._producer.produce(self._settings.topic(item.topic), item.value, item.key)
        self.sent += 1
        if self.last is None or item.time > self.last:
            self.last = item.time

    async def _settle(self) -> None:
        await asyncio.to_thread(self._producer.flush)
        if self._error is not None:
            raise FeedingError(f"the embedded broker refused a record: {self._error.str()}; run the demo again")
        await self._ahead.room()

    def _delivered(self, error: KafkaError | None, message: Any) -> None:
        if error is not None:
            self._error = self._error or error
        else:
            self._ahead.sent(message.topic(), message.partition(), message.offset(), len(message.value() or b""))

    # -- what `end` needs of a sender

    def send(self, record: Any) -> bool:
        self._put(Item(record.event.time, record.subject.encode(), record.raw, record.event.topic))
        return True

    def mark(self, partition: int, subject: str, value: bytes) -> None:
        self._producer.produce(self._settings.topic("control"), value, subject.encode(), partition=partition)

    def settle(self) -> None:
        self._producer.flush()


async def _paced(items: Iterable[Item], speed: float | None, now: Callable[[], float]) -> AsyncIterator[list[Item]]:
    """Chunks of items that are due. `speed` None: as fast as they are taken."""
    iterator: Iterator[Item] = iter(items)
    chunk: list[Item] = []
    origin: tuple[float, int] | None = None
    for item in iterator:
        if speed is not None:
            if origin is None:
                origin = now(), item.time
            wait = origin[0] + (item.time - origin[1]) / 1000 / speed - now()
            if wait > 0:
                if chunk:
                    yield chunk
                    chunk = []
                await asyncio.sleep(max(wait, _AHEAD_S))
        chunk.append(item)
        if len(chunk) >= CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
