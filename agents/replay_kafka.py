"""The Kafka end of a replay: an idempotent producer that puts each subject where every other client would put it."""

from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from agents.recordings import Record
from agents.settings import Settings
from streams.errors import FirstlineError

_LARGEST = 1_048_588
"""Kafka's own limit (`message.max.bytes`) unless a cluster sets another."""
_METADATA_S = 15.0


class ReplayFailedError(FirstlineError):
    """The broker refused a record for good or cannot be reached any more."""


class KafkaSender:
    """Sends records to the topics of their types, keyed by subject, the original bytes as value."""

    def __init__(self, settings: Settings, topic_of: Callable[[str], str], *, delivery_timeout_s: float = 120.0) -> None:
        """`topic_of` gives the topic (without prefix) of an event type."""
        self._settings = settings
        self._topics: dict[str, str] = {}
        self._topic_of = topic_of
        self._error: KafkaError | None = None
        self._producer = Producer(
            {
                "bootstrap.servers": settings.brokers,
                "client.id": "firstline-replay",
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "linger.ms": 20,
                "batch.size": 512 << 10,
                "message.max.bytes": _LARGEST,
                "message.timeout.ms": int(delivery_timeout_s * 1000),
                # Reports of success would cost more than the sending.
                "delivery.report.only.error": True,
                "on_delivery": self._failed,
                "log_level": 0,
            }
        )

    def cluster(self) -> str:
        """The id of the cluster. Raises `ReplayFailedError`."""
        try:
            return str(self._producer.list_topics(timeout=_METADATA_S).cluster_id)
        except KafkaException as exc:
            raise self._unreachable(exc.args[0]) from exc

    def send(self, record: Record) -> bool:
        """False if the record is larger than the broker takes. Raises `ReplayFailedError`."""
        kind = record.event.type
        topic = self._topics.get(kind)
        if topic is None:
            topic = self._topics[kind] = self._settings.topic(self._topic_of(kind))
        return self.put(topic, record.raw, record.subject.encode())

    def mark(self, partition: int, subject: str, value: bytes) -> None:
        """Sends `value` to that partition of `control`. Raises `ReplayFailedError`."""
        self.put(self._settings.topic("control"), value, subject.encode(), partition=partition)

    def settle(self) -> None:
        """Waits until everything is acknowledged. Raises `ReplayFailedError`."""
        while self._producer.flush(1.0):
            self._raise()
        self._raise()

    def put(self, topic: str, value: bytes | None, key: bytes | None, **where: Any) -> bool:
        """Sends any record; `where` may name partition, timestamp and headers. False if it is larger than the broker takes.

        Raises `ReplayFailedError`.
        """
        while True:
            try:
                self._producer.produce(topic, value, key, **where)
            except BufferError:
                self._producer.poll(0.05)
                self._raise()
            except KafkaException as exc:
                if exc.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE:
                    return False
                raise self._unreachable(exc.args[0]) from exc
            else:
                self._producer.poll(0)
                if self._error is not None:
                    self._raise()
                return True

    def _failed(self, error: KafkaError | None, _: Any) -> None:
        if error is not None and self._error is None:
            self._error = error

    def _raise(self) -> None:
        if self._error is not None:
            raise self._unreachable(self._error)

    def _unreachable(self, error: KafkaError) -> ReplayFailedError:
        return ReplayFailedError(
            f"replay to Kafka at {self._settings.brokers}: {error.str()}; mend that and replay again, with --resume FILE from where it was"
        )
