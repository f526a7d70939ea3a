"""State on a compacted topic: the newest value of each key. While the broker is slow or away the newest wins, and nothing is dropped."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.intake import Outgoing
from agents.publish import backoff

State = bytes | None | Callable[[], bytes | None]
"""A value, or what makes the newest one when it is written."""
_log = structlog.get_logger(__name__)


class StateLog:
    """Writes states to partition 0 of a topic. `send` returns once they are acknowledged; `every_s` is how often at most."""

    def __init__(self, topic: str, send: Callable[[Sequence[Outgoing]], Awaitable[None]], every_s: float = 0.0) -> None:
        self.topic = topic
        self._send = send
        self._every_s = every_s
        self._pending: dict[bytes, State] = {}
        self._news = asyncio.Event()

    def put(self, key: bytes, value: State) -> None:
        """A new state of a key; None takes the key away."""
        self._pending.pop(key, None)
        self._pending[key] = value
        self._news.set()

    async def run(self) -> None:
        """Writes what `put` brings, for ever, and again with growing pauses while the broker refuses."""
        failures = 0
        while True:
            await self._news.wait()
            self._news.clear()
            pending, self._pending = self._pending, {}
            try:
                await self._send([Outgoing(self.topic, key, value() if callable(value) else value, (), 0) for key, value in pending.items()])
            except KafkaError as exc:
                failures += 1
                if failures == 1:
                    _log.warning("state not written, trying again", topic=self.topic, error=str(exc))
                self._pending = {**pending, **self._pending}
                self._news.set()
                await asyncio.sleep(backoff(failures))
            else:
                failures = 0
                await asyncio.sleep(self._every_s)


async def read_states(brokers: str, topic: str) -> dict[bytes, bytes]:
    """The states on a topic, by key. Raises aiokafka's `KafkaError`."""
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        end = (await consumer.end_offsets([place]))[place]
        out: dict[bytes, bytes] = {}
        while await consumer.position(place) < end:
            for record in (await consumer.getmany(place, timeout_ms=500)).get(place, ()):
                if record.value is None:
                    out.pop(record.key, None)
                elif record.key is not None:
                    out[record.key] = record.value
        return out
    finally:
        await consumer.stop()
