"""The embedded broker: librdkafka's in-memory cluster, for the demo and for tests that need no real Kafka.

It serves aiokafka and Faust with consumer groups and idempotent producers and starts in 35 ms. But it creates every topic on first use
with `PARTITIONS` partitions, refuses administration, compacts nothing and keeps only the last 5 MB of a partition. So a source may only
be as far ahead as the worker has read: `ReadAhead`.
"""

import asyncio
from collections import defaultdict, deque
from types import TracebackType

from confluent_kafka import KafkaException, Producer

from streams.errors import FirstlineError

PARTITIONS = 4
"""Partitions of every topic of the embedded broker; it offers no way to choose."""
READ_AHEAD_BYTES = 2 << 20
"""Unread bytes of a partition, well below the 5 MB that the broker keeps."""
_START_SECONDS = 10.0


class BrokerError(FirstlineError):
    """The embedded broker did not start."""


class EmbeddedBroker:
    """One broker in memory; it ends with this object."""

    def __init__(self) -> None:
        self._client: Producer | None = None
        self._address = ""

    @property
    def address(self) -> str:
        """host:port. Raises `BrokerError` before `start`."""
        if self._client is None:
            raise BrokerError("the embedded broker is not running: start it first")
        return self._address

    def start(self) -> None:
        """Starts the broker on a free port of the loopback interface. Raises `BrokerError`."""
        if self._client is not None:
            return
        client = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "embedded", "log_level": 0})
        try:
            brokers = client.list_topics(timeout=_START_SECONDS).brokers
        except KafkaException as exc:
            raise BrokerError(f"the embedded broker did not start: {exc}") from exc
        broker = next(iter(brokers.values()))
        self._client, self._address = client, f"{broker.host}:{broker.port}"

    def stop(self) -> None:
        """Ends it; what it held is gone."""
        self._client = None

    def __enter__(self) -> "EmbeddedBroker":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


class ReadAhead:
    """Holds a producer back while a partition has more than `limit` bytes that the worker has not read. All calls from one event loop."""

    def __init__(self, limit: int = READ_AHEAD_BYTES) -> None:
        self._limit = limit
        self._unread: dict[tuple[str, int], deque[tuple[int, int]]] = defaultdict(deque)
        self._bytes: dict[tuple[str, int], int] = defaultdict(int)
        self._reached: dict[tuple[str, int], int] = defaultdict(int)
        self._progress = asyncio.Event()

    def sent(self, topic: str, partition: int, offset: int, size: int) -> None:
        """A record or batch of `size` bytes that ends with `offset` is in the broker."""
        place = topic, partition
        if offset >= self._reached[place]:
            self._unread[place].append((offset, size))
            self._bytes[place] += size

    def read(self, topic: str, partition: int, next_offset: int) -> None:
        """The worker has read everything below `next_offset`."""
        place = topic, partition
        self._reached[place] = max(self._reached[place], next_offset)
        unread = self._unread[place]
        while unread and unread[0][0] < next_offset:
            self._bytes[place] -= unread.popleft()[1]
        self._progress.set()

    def unread(self, topic: str, partition: int) -> int:
        """Bytes sent and not yet read."""
        return self._bytes[topic, partition]

    async def room(self) -> None:
        """Waits until every partition is below the limit."""
        while any(size >= self._limit for size in self._bytes.values()):
            self._progress.clear()
            await self._progress.wait()
