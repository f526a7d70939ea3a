"""A Faust table that keeps one state object a partition and writes each change once a flush, by the seven rules of the ledger.

It is a table only for what Faust does for tables: a co-partitioned changelog, recovery before processing, and a place between the
two. Its store stays empty. The order in which Faust calls the hooks: `on_rebalance`, `persisted_offset`, `apply_changelog_batch`…,
`on_recovery_completed`; then the source partitions go on.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import structlog
from aiokafka import AIOKafkaProducer
from faust import Table

from agents.batching.stop import stop_at_once
from streams.ledger_records import Record, announcement, epoch_number, make_epoch

MAX_BATCH_BYTES = 900_000
MAX_REQUEST_BYTES = 4 << 20
"""A single record may be larger than a batch; the changelog's `max.message.bytes` must allow it (agents.topics)."""
MAX_WAITING = 8
"""Messages that may wait for a flush before the agent waits too."""

_log = structlog.get_logger(__name__)


class PartitionState(Protocol):
    """What a partition holds; `streams.ledger.Ledger` is one."""

    @property
    def next_epoch_number(self) -> int: ...
    @property
    def pending(self) -> bool: ...
    @property
    def unwritten(self) -> bool: ...
    def restore(self, records: Iterable[Record]) -> None: ...
    def open(self, epoch: bytes) -> None: ...
    def close(self) -> None: ...
    def changes(self) -> list[Record]: ...


S = TypeVar("S", bound=PartitionState)


@dataclass(eq=False)
class Slot(Generic[S]):
    """An assigned partition."""

    state: S
    epoch: bytes | None = None
    """None: closed, nothing may be processed."""
    opened: bool = False
    """Whether it was ever open: only then does memory hold no more than the changelog."""
    read: int = -1
    """Everything in the changelog up to this offset is in memory."""
    waiting: list[tuple[Any, Any, Sequence[Awaitable[Any]]]] = field(default_factory=list)
    """(stream, event, sends) of messages to acknowledge once the changes and those sends are acknowledged."""
    task: "asyncio.Task[None] | None" = None


class LedgerTable(Table, Generic[S]):  # type: ignore[misc]  # Faust has no types
    """One state object for each assigned partition, recovered from the changelog and written back to it."""

    def __init__(
        self,
        app: Any,
        *,
        new_state: Callable[[int], S],
        producer: Mapping[str, Any],
        on_open: Callable[[int, S, bytes], None],
        on_close: Callable[[int], None],
        **kwargs: Any,
    ) -> None:
        """`on_open(partition, state, epoch)` is called before the first message of an assignment, `on_close(partition)` at its end."""
        super().__init__(app, **kwargs)
        self._new_state = new_state
        self._producer_settings = dict(producer)
        self._on_open, self._on_close = on_open, on_close
        self.slots: dict[int, Slot[S]] = {}
        self.generation = -1
        self._producer: Any = None

    async def on_start(self) -> None:
        await super().on_start()
        # Idempotent: a produce request that timed out and was repeated could otherwise overwrite a newer record with an older one.
        self._producer = AIOKafkaProducer(
            acks="all",
            enable_idempotence=True,
            max_batch_size=MAX_BATCH_BYTES,
            max_request_size=MAX_REQUEST_BYTES,
            **self._producer_settings,
        )
        await self._producer.start()

    async def on_stop(self) -> None:
        await super().on_stop()
        while tasks := [slot.task for slot in self.slots.values() if slot.task]:
            await asyncio.wait(tasks)  # the consumer commits after this, once more
        if self._producer is not None:
            await self._producer.stop()

    def open_states(self) -> dict[int, S]:
        """The partitions that are open now."""
        return {partition: slot.state for partition, slot in self.slots.items() if slot.epoch is not None}

    @property
    def all_open(self) -> bool:
        """Whether every assigned partition is open, and there is one."""
        return bool(self.slots) and all(slot.epoch is not None for slot in self.slots.values())

    # -- recovery, in the order in which Faust calls it

    async def on_rebalance(self, assigned: set[Any], revoked: set[Any], newly_assigned: set[Any], generation_id: int = 0) -> None:
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)
        self.generation = generation_id
        mine = {tp.partition for tp in assigned if tp.topic == self.changelog_topic_name}
        for partition, slot in list(self.slots.items()):
            if slot.epoch is not None:
                self._on_close(partition)
            # Memory may hold an event only if the changelog does: otherwise its replay would look known and be committed unwritten.
            if partition not in mine or slot.task or slot.waiting or slot.state.unwritten or not slot.opened:
                del self.slots[partition]
            else:  # closed even if it stays: another worker may have had it while this one slept
                slot.epoch = None
                slot.state.close()

    def persisted_offset(self, tp: Any) -> int:
        """Where recovery starts. Never None: Faust would go on at an offset of its own, also when the memory was dropped."""
        slot = self.slots.get(tp.partition)
        return slot.read if slot else -1

    async def on_changelog_event(self, event: Any) -> None:
        if event.message.generation_id != self.generation:  # a leftover of an interrupted recovery has moved the offset on
            tp = event.message.tp
            self.app.tables.recovery.active_offsets[tp] = self.persisted_offset(tp)

    def apply_changelog_batch(self, batch: Sequence[Any]) -> None:
        try:
            for event in batch:
                message = event.message
                if message.generation_id == self.generation and message.topic == self.changelog_topic_name:
                    self._slot(message.partition).state.restore((r.key, r.value) for r in message.value)
        except Exception as exc:
            # Faust would log what is raised here and go on without these records.
            stop_at_once(f"cannot read the changelog {self.changelog_topic_name}: {exc}", exc)

    async def on_recovery_completed(self, active_tps: set[Any], standby_tps: set[Any]) -> None:
        # Faust swallows what is raised here and starts processing, and lets this run on after a further rebalance.
        try:
            await asyncio.gather(*(self._open(tp, self.generation) for tp in list(active_tps)))
        except Exception as exc:
            stop_at_once(f"cannot open a partition of {self.name}: {exc}", exc)

    async def _open(self, tp: Any, generation: int) -> None:
        slot, started = self._slot(tp.partition), time.perf_counter()
        offset = self.app.tables.recovery.active_offsets[tp]
        slot.read = max(slot.read, -1 if offset is None else offset)
        epoch = make_epoch(slot.state.next_epoch_number, os.urandom(8))
        await self._send(tp.partition, slot, [announcement(epoch)])
        if generation != self.generation:
            return
        slot.state.open(epoch)
        self._on_open(tp.partition, slot.state, epoch)
        slot.epoch, slot.opened = epoch, True
        seconds = round(time.perf_counter() - started, 3)
        _log.info("partition opened", table=self.name, partition=tp.partition, epoch=epoch_number(epoch), seconds=seconds)

    def _slot(self, partition: int) -> Slot[S]:
        slot = self.slots.get(partition)
        if slot is None:
            slot = self.slots[partition] = Slot(self._new_state(partition))
        return slot

    # -- processing

    async def take(self, stream: Any, event: Any, apply: Callable[[int, S, Any], Sequence[Awaitable[Any]]]) -> None:
        """Applies a message to its partition: `apply(partition, state, message)` returns sends to be acknowledged before the message is."""
        partition = event.message.partition
        slot = self.slots.get(partition)
        if slot is None or slot.epoch is None:
            stop_at_once(f"a batch of partition {partition} came before the partition was opened")
        sends = apply(partition, slot.state, event.message)
        slot.waiting.append((stream, event, sends))
        self._start_flush(partition, slot)
        if len(slot.waiting) > MAX_WAITING and slot.task:
            await asyncio.wait([slot.task])

    def flush_soon(self, partition: int) -> None:
        """Writes what changed other than by a message."""
        slot = self.slots.get(partition)
        if slot is not None and slot.epoch is not None:
            self._start_flush(partition, slot)

    def _start_flush(self, partition: int, slot: Slot[S]) -> None:
        if slot.task is None:
            slot.task = asyncio.create_task(self._flush(partition, slot), name=f"flush {self.name}/{partition}")

    async def _flush(self, partition: int, slot: Slot[S]) -> None:
        """One at a time for a partition: two `send_batch` calls under way may overtake each other, and a record must never go back."""
        try:
            # What a rebalance has dropped writes no more than is under way: it would bury records that may have grown since it read them.
            while (slot.waiting or slot.state.pending) and self.slots.get(partition) is slot:
                done, slot.waiting = slot.waiting, []
                if slot.state.pending:
                    await self._send(partition, slot, slot.state.changes())
                for _, _, sends in done:
                    for send in sends:
                        await send
                # A message of a former assignment is fetched again: it must not count as acknowledged before that copy is written.
                if self.slots.get(partition) is slot and slot.epoch is not None:
                    for stream, event, _ in done:
                        await stream.ack(event)
        except Exception as exc:
            stop_at_once(f"changelog of {self.name}/{partition} not written", exc)
        slot.task = None

    async def _send(self, partition: int, slot: Slot[S], records: Sequence[Record]) -> None:
        """Writes records and waits for the acknowledgement of all. Raises what the producer does."""
        topic, producer = self.changelog_topic_name, self._producer
        sent: list[tuple[Any, Any]] = []
        batch, now = producer.create_batch(), int(time.time() * 1000)
        for key, value in records:
            if batch.append(timestamp=now, key=key, value=value) is None:
                sent.append((batch, await producer.send_batch(batch, topic, partition=partition)))
                batch = producer.create_batch()
                if batch.append(timestamp=now, key=key, value=value) is None:
                    raise ValueError(f"a record of {len(value or b'')} bytes does not fit into an empty batch")
        sent.append((batch, await producer.send_batch(batch, topic, partition=partition)))
        for batch, future in sent:
            written = await future
            if written.offset == slot.read + 1:  # nobody else wrote in between: no need to read this again
                slot.read = written.offset + batch.record_count() - 1
