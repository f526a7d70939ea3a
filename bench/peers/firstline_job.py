"""Firstline's own extensions on the peers' job: whole batches in, the fold of `bench.peers.fold`, each changed key once a flush out.

The state is in the changelog, and acknowledged there, before a batch is acknowledged to Faust and so committed; the totals are written
after that too. It is the application that the worker runs on (`agents.batching`), with another state in the table.
"""

import asyncio
import gc
import signal
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer

from agents import loop
from agents.batching.application import COLLECTOR, WAITING_BATCHES, batch_app
from agents.batching.changelog import LedgerTable
from agents.batching.consumer import Delivery
from agents.batching.schema import RawRecords
from agents.batching.stop import stop_at_once
from bench.peers.fold import Fold
from bench.peers.job import PARTITIONS, Call, Stopwatch, answer, task, timestamps

_MAX_BATCH = 10_000


def changelog(ident: str) -> str:
    """The topic that the harness makes for it, compacted."""
    return f"{ident}-ledger"


class Job:
    """The application and what it holds on to."""

    def __init__(self) -> None:
        self.task = task()
        self.watch = Stopwatch()
        self.producer: Any = None
        self._decode = msgspec.json.Decoder(Call).decode
        log = changelog(self.task.ident)
        delivery = Delivery(frozenset((self.task.topic, log)), max_batch=_MAX_BATCH)
        self.app = batch_app(self.task.ident, self.task.broker, delivery, partitions=PARTITIONS)
        raw = RawRecords()
        self.table: LedgerTable[Fold] = LedgerTable(
            self.app,
            name="ledger",
            partitions=PARTITIONS,
            changelog_topic=self.app.topic(log, schema=raw, partitions=PARTITIONS, acks=False, internal=True, allow_empty=True),
            new_state=lambda _: Fold(),
            producer={"bootstrap_servers": self.task.broker},
            on_open=lambda *_: gc.freeze(),
            on_close=lambda _: None,
        )
        self.app.tables.add(self.table)
        calls = self.app.topic(self.task.topic, schema=raw, maxsize=WAITING_BATCHES)
        self.app.agent(calls, name="calls")(self._calls)

    async def _calls(self, stream: Any) -> None:
        try:
            async for event in stream.noack().events():
                await self.table.take(stream, event, self._take)
        except Exception as exc:
            stop_at_once("the agent failed", exc)

    def _take(self, partition: int, fold: Fold, message: Any) -> list[Any]:
        self.watch.start()
        decode, records = self._decode, message.value
        fold.take([decode(each.value) for each in records], records)
        if self.task.latency:
            return [self._send(timestamps(each.timestamp for each in records))]
        if message.offset == self.task.ends[partition] - 1:
            return [self._send(answer(partition, self.watch, fold.totals()))]
        return []

    async def _send(self, value: bytes) -> None:
        """Begun only once the changes of the batch are acknowledged."""
        await (await self.producer.send(self.task.out, value))

    async def run(self) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        self.producer = AIOKafkaProducer(bootstrap_servers=self.task.broker, acks="all")
        await self.producer.start()
        self.app.finalize()
        await self.app.start()
        await stop.wait()
        await self.app.stop()
        await self.producer.stop()


def main() -> None:
    gc.set_threshold(*COLLECTOR)
    loop.install()

    async def run() -> None:
        await Job().run()

    asyncio.run(run())


if __name__ == "__main__":
    main()
