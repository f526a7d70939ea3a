"""One simulated worker: the real `LedgerTable` and `Ledger`, and what Faust, the agent and a producer do around them."""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Sequence
from types import SimpleNamespace
from typing import Any, NoReturn

import faust

from agents.batching.changelog import LedgerTable
from streams.events import Event
from streams.ledger import Ledger
from streams.ledger_records import Record
from tests.unit.ledger_simulation import CompactedLog

TOPIC = "ledger"
_app = faust.App("simulation", store="memory://", autodiscover=False, loghandlers=[])


class Stopped(BaseException):
    """The worker has stopped itself."""


def stop(reason: str, cause: BaseException | None = None) -> NoReturn:
    """Takes the place of `stop_at_once`, which ends the process."""
    raise Stopped(reason) from cause


class Batch:
    """A producer's batch of very few records."""

    def __init__(self, limit: int) -> None:
        self.records: list[Record] = []
        self._limit = limit

    def append(self, *, timestamp: int, key: bytes, value: bytes | None) -> object:
        if len(self.records) >= self._limit:
            return None
        self.records.append((key, value))
        return self

    def record_count(self) -> int:
        return len(self.records)


class Producer:
    """What was given to send, in the order of each partition: not yet in the log, or there and not yet acknowledged."""

    def __init__(self, rnd: random.Random) -> None:
        self._rnd = rnd
        self.unsent: dict[int, deque[tuple[Batch, asyncio.Future[Any]]]] = {}
        self.unanswered: deque[tuple[int, asyncio.Future[Any]]] = deque()

    def create_batch(self) -> Batch:
        return Batch(self._rnd.choice((1, 2, 5, 100)))

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> "asyncio.Future[Any]":
        assert topic == TOPIC
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.unsent.setdefault(partition, deque()).append((batch, future))
        return future

    def append(self, partition: int, log: CompactedLog) -> None:
        """The next batch reaches the log."""
        batch, future = self.unsent[partition].popleft()
        self.unanswered.append((log.end, future))
        for record in batch.records:
            log.append(record)

    def answer(self) -> None:
        offset, future = self.unanswered.popleft()
        if not future.done():
            future.set_result(SimpleNamespace(offset=offset))

    def partitions(self) -> list[int]:
        return [partition for partition, queue in self.unsent.items() if queue]


class Worker:
    """One process: the table, and what Faust and the agent do around it."""

    def __init__(self, rnd: random.Random) -> None:
        self.rnd = rnd
        self.producer = Producer(rnd)
        self.table: LedgerTable[Ledger] = LedgerTable(
            _app, name="ledger", changelog_topic=SimpleNamespace(get_topic_name=lambda: TOPIC), new_state=lambda _: Ledger(),
            producer={}, on_open=lambda *_: None, on_close=lambda _: None,
        )  # fmt: skip
        assert not self.table.data  # Faust makes the store, which stays empty, with the app's settings
        self.offsets: dict[Any, int] = {}
        self.table.app = SimpleNamespace(tables=SimpleNamespace(recovery=SimpleNamespace(active_offsets=self.offsets)))
        self.table._producer = self.producer
        self.generation = -1
        self.assigned: list[int] = []
        self.to_read: dict[int, int] = {}
        """Partition → the end of its changelog, while it recovers."""
        self.running = self.asleep = False
        self.opening: asyncio.Task[None] | None = None
        self.taking: asyncio.Task[None] | None = None
        self.position: dict[int, int] = {}
        self.delivered: dict[int, deque[int]] = {}
        self.acked: set[tuple[int, int]] = set()

    def tasks(self) -> list["asyncio.Task[None]"]:
        flushes = [slot.task for slot in self.table.slots.values()]
        return [task for task in (self.opening, self.taking, *flushes) if task is not None]

    def quiet(self) -> bool:
        """Whether everything is written."""
        return all(slot.task is None and not slot.state.pending for slot in self.table.slots.values())

    def flush_soon(self) -> None:
        """Writes what waits for the next message of its partition: what sleepers have left behind."""
        for partition in self.table.open_states():
            self.table.flush_soon(partition)

    async def ack(self, event: Any) -> None:
        self.acked.add((event.message.partition, event.message.offset))

    async def rebalanced(self, assigned: list[int], generation: int) -> None:
        """The assignment of a generation is there: the hook that Faust calls, then recovery may begin."""
        tps = {_tp(partition) for partition in assigned}
        self.generation, self.assigned, self.running, self.opening = generation, assigned, False, None
        self.acked.clear()
        self.delivered = {partition: deque() for partition in assigned}
        await self.table.on_rebalance(tps, set(), tps, generation)

    def begin_recovery(self, logs: Sequence[CompactedLog]) -> None:
        self.to_read = {partition: logs[partition].end for partition in self.assigned}
        for partition in self.assigned:
            self.offsets[_tp(partition)] = self.table.persisted_offset(_tp(partition))

    def read(self, logs: Sequence[CompactedLog]) -> None:
        """Reads one more batch of a changelog; after the last one partitions are opened."""
        if not self.to_read:
            if self.opening is None:
                self.opening = asyncio.create_task(self.table.on_recovery_completed({_tp(p) for p in self.assigned}, set()))
            return
        partition = self.rnd.choice(list(self.to_read))
        tp = _tp(partition)
        records = [r for r in logs[partition].records if self.offsets[tp] < r[0] < self.to_read[partition]]
        records = records[: self.rnd.choice((1, 10, 1000))]
        if records:
            value = [SimpleNamespace(key=key, value=value) for _, key, value in records]
            message = SimpleNamespace(generation_id=self.generation, topic=TOPIC, partition=partition, value=value)
            self.table.apply_changelog_batch([SimpleNamespace(message=message)])
            self.offsets[tp] = records[-1][0]
        else:
            self.offsets[tp] = max(self.offsets[tp], self.to_read.pop(partition) - 1)

    def deliver(self, partition: int, source: Sequence[tuple[str, Event]]) -> None:
        begin = self.position[partition]
        end = min(len(source), begin + self.rnd.choice((1, 5, 40)))
        self.position[partition] = end
        self.delivered[partition].append(end - 1)
        message = SimpleNamespace(partition=partition, offset=end - 1, value=source[begin:end])

        def apply(_: int, ledger: Ledger, message: Any) -> Sequence[Awaitable[Any]]:
            for subject, event in message.value:
                ledger.add(subject, event)
            return ()

        self.taking = asyncio.create_task(self.table.take(self, SimpleNamespace(message=message), apply))


def _tp(partition: int) -> Any:
    return _TPS[partition]


_TPS = [faust.types.TP(TOPIC, n) for n in range(8)]
