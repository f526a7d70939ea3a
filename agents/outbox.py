"""The worker's producer for everything but the ledger's changelog: dead letters, forwarded records, partial rows."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

from agents.intake import Outgoing
from agents.partials import Wire

_LINGER_MS = 20
_BATCH_BYTES = 900_000


class Outbox:
    """Sends and waits for the acknowledgement of all replicas. Every method raises what the producer does."""

    def __init__(self, brokers: str) -> None:
        self._brokers = brokers
        self._producer: Any = None

    async def start(self) -> None:
        # The larger request is for dead letters: the original may be as large as a topic allows, and its headers come on top.
        # Rows as JSON and packed are a hundred times larger than events, and say much the same again and again: large batches, compressed.
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._brokers, acks="all", enable_idempotence=True, linger_ms=_LINGER_MS, max_request_size=4 << 20,
            max_batch_size=_BATCH_BYTES, compression_type="lz4",
        )  # fmt: skip
        await self._producer.start()

    async def stop(self) -> None:
        if self._producer is not None:
            await self._producer.stop()

    async def send(self, records: Sequence[Outgoing]) -> None:
        """Sends records, in order for each partition."""
        sent = [
            await self._producer.send(
                r.topic, key=r.key, value=r.value, partition=r.partition, timestamp_ms=r.timestamp_ms, headers=list(r.headers)
            )
            for r in records
        ]
        await asyncio.gather(*sent)

    async def send_rows(self, topic: str, partition: int, records: Sequence[Wire]) -> None:
        """Sends records to one partition, in batches. One call at a time keeps their order."""
        sent: list[Any] = []
        batch, now = self._producer.create_batch(), int(time.time() * 1000)
        for key, value, headers in records:
            if batch.append(timestamp=now, key=key, value=value, headers=headers) is None:
                sent.append(await self._producer.send_batch(batch, topic, partition=partition))
                batch = self._producer.create_batch()
                batch.append(timestamp=now, key=key, value=value, headers=headers)
        if batch.record_count():
            sent.append(await self._producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*sent)
