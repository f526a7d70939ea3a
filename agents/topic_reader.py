"""Reading topics from where one likes to where they end now, in batches, without a group: what `verify` and a copy are fed by."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from streams.errors import FirstlineError

_ANSWER_S = 15.0
_PATIENCE_S = 60.0
"""Without a record or an end for so long Kafka is taken to be away."""
_AT_ONCE = 5_000

Place = tuple[str, int]
"""A topic and a partition of it."""


class ReadingFailedError(FirstlineError):
    """Kafka does not answer, or not with what is asked for; the message says what to do."""


class RawRecord(NamedTuple):
    """A record as it lies in its topic, with what `agents.intake.read` looks at. `timestamp` is in ms."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    headers: Sequence[tuple[str, bytes | None]]
    key: bytes | None
    value: bytes | None


class TopicReader:
    """Committed records of all partitions of some topics. Make one, say with `begin` where, then iterate over batches of records."""

    def __init__(self, brokers: str, topics: Sequence[str]) -> None:
        """Raises `ReadingFailedError`, for instance if a topic is missing."""
        self._brokers = brokers
        self._consumer = Consumer(
            {
                "bootstrap.servers": brokers,
                "group.id": "firstline-reader",  # never joined, and nothing is committed
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "auto.offset.reset": "error",
                "log_level": 0,
            }
        )
        self.starts: dict[Place, int] = {}
        """The first offset that there still is."""
        self.ends: dict[Place, int] = {}
        """Where reading ends: what was there when the reader was made, unless `begin` says otherwise."""
        self.reached: dict[Place, int] = {}
        """The offset after the last record that was handed over."""
        self.expired: dict[Place, int] = {}
        """Records that were asked for and have been dropped by the topic."""
        try:
            metadata = self._consumer.list_topics(timeout=_ANSWER_S)
            known, self.cluster = metadata.topics, str(metadata.cluster_id)
            for topic in topics:
                if topic not in known or known[topic].error is not None:
                    raise ReadingFailedError(f"topic {topic}: is missing on {brokers}; check the prefix and the brokers")
                for partition in known[topic].partitions:
                    place = TopicPartition(topic, partition)
                    self.starts[topic, partition], self.ends[topic, partition] = self._consumer.get_watermark_offsets(place, _ANSWER_S)
        except KafkaException as exc:
            raise self._away(exc.args[0]) from exc

    def begin(self, at: Mapping[Place, int], until: Mapping[Place, int] | None = None) -> None:
        """Where to read from, the start for what is not named, and up to which offset."""
        if until is not None:
            self.ends = dict(until)
        for place, end in self.ends.items():
            start = self.starts[place]
            wanted = at.get(place, start)
            if wanted < start:
                self.expired[place] = start - wanted
            self.reached[place] = min(max(wanted, start), max(end, wanted))

    @property
    def left(self) -> int:
        """Offsets to read; a little more than records if there were transactions."""
        return sum(max(0, end - self.reached[place]) for place, end in self.ends.items())

    def __iter__(self) -> Iterator[list[RawRecord]]:
        """Batches until everything is read. Raises `ReadingFailedError`."""
        todo = {place for place, end in self.ends.items() if self.reached[place] < end}
        try:
            self._consumer.assign([TopicPartition(*place, self.reached[place]) for place in sorted(todo)])
            while todo:
                messages = self._consumer.consume(_AT_ONCE, 0.2) or self._consumer.consume(1, _PATIENCE_S)
                if not messages:
                    raise ReadingFailedError(
                        f"Kafka at {self._brokers}: no answer for {_PATIENCE_S:.0f} s; look whether all brokers are up"
                    )
                batch = [record for message in messages if (record := self._taken(message, todo)) is not None]
                if batch:
                    yield batch
        except KafkaException as exc:
            raise self._away(exc.args[0]) from exc
        finally:
            self._consumer.close()

    def _taken(self, message: Any, todo: set[Place]) -> RawRecord | None:
        place = (message.topic(), message.partition())
        error = message.error()
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:
                raise self._away(error)
            todo.discard(place)  # behind the last record there may be offsets that hold none, such as a transaction's end
            self.reached[place] = max(self.reached[place], self.ends.get(place, 0))
            return None
        offset, end = message.offset(), self.ends[place]
        if offset >= end - 1:
            todo.discard(place)
        if offset >= end:
            return None
        self.reached[place] = offset + 1
        return RawRecord(*place, offset, message.timestamp()[1], message.headers() or (), message.key(), message.value())

    def _away(self, error: KafkaError) -> ReadingFailedError:
        return ReadingFailedError(f"Kafka at {self._brokers} cannot be read: {error.str()}; mend that and start again")
