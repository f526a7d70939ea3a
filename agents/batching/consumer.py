"""Batch delivery: one Faust message for each fetched batch of a partition, without a gap through rebalances.

Faust spends ~65 µs on every message; with a batch in the message that is nothing. Each override stands for an event that was seen lost
or a second that was seen wasted; the tests pin the overridden sources of Faust, mode and aiokafka by hash, so that a person looks here
at every upgrade.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from faust.transport.consumer import ensure_TPset
from faust.transport.drivers import aiokafka as driver
from faust.types import ConsumerMessage
from faust.types.tuples import TP

from agents.batching.records import BatchConsumerThread, Fetched
from agents.batching.stop import stop_at_once

_NO_PARTITION = TP("", -1)
_IDLE_SECONDS = 0.005
_FETCH_SECONDS = 0.25


@dataclass(frozen=True)
class Delivery:
    """What is delivered how. Every topic of the app, changelogs too, is a batch topic."""

    topics: frozenset[str]
    replayed: frozenset[str] = frozenset()
    """Topics read from their start at every assignment: their offsets are never committed."""
    max_batch: int = 5000
    """Records in one message at most: bounds how long one message holds the event loop."""


class BatchConsumer(driver.Consumer):  # type: ignore[misc]  # Faust has no types
    """One message for each partition and slice of a fetch: `.value` the records, `.offset` that of the last."""

    delivery = Delivery(frozenset())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._inflight: dict[TP, deque[int]] = defaultdict(deque)
        """Offsets delivered and not yet committed, in the order of delivery."""
        self._held: set[TP] = set()
        """Source partitions that wait for the seek to the committed offset and for the flow to be resumed after it."""
        self._sought = False
        self._seek_lock = asyncio.Lock()
        self._reached: dict[TP, int] = {}
        """Source partition → the fetch position up to which everything was delivered."""
        self.began: dict[TP, int] = {}
        """Source partition → the offset that its reading began at in this assignment."""
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> Any:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _is_source(self, tp: TP) -> bool:
        return bool(self.app.topics.acks_enabled_for(tp.topic))

    # -- the gate: resuming the flow clears Faust's queues after the seek, so nothing may be fetched between the two

    def _set_active_tps(self, tps: set[TP]) -> set[TP]:
        active: set[TP] = super()._set_active_tps(tps)
        if not self._sought:
            held = {tp for tp in active if self._is_source(tp)}
            active -= held
            self._held |= held
        return active

    def pause_partitions(self, tps: Iterable[TP]) -> None:
        self._held -= ensure_TPset(tps)
        super().pause_partitions(tps)

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        resumed: set[TP] = ensure_TPset(tps)
        held = set() if self._sought else {tp for tp in resumed if self._is_source(tp)}
        self._held |= held
        self._paused_partitions -= held
        super().resume_partitions(resumed - held)

    def on_buffer_drop(self, tp: TP) -> None:
        if tp in self._held or not self._sought:
            self._buffered_partitions.discard(tp)
        else:
            super().on_buffer_drop(tp)

    def resume_flow(self) -> None:
        super().resume_flow()
        if self._sought and self._held:
            held, self._held = self._held, set()
            super().resume_partitions(held)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        self._sought = False
        self._held.clear()
        await super().on_partitions_revoked(revoked)  # waits for what is under way, and commits
        self._buffered_partitions.clear()
        self._forget()

    # -- positions: no fetch is under way while one is set

    async def perform_seek(self) -> None:
        """Sets every source partition to its committed offset, or to its start; called just before the flow is resumed."""
        async with self._seek_lock:
            self._sought = False
            self._forget()
            await super().perform_seek()
            self._forget()
            await self._seek_to_starts()
            self._sought = True

    async def _seek_to_starts(self) -> None:
        """aiokafka leaves a partition without a committed offset where a fetch that was dropped has left it."""
        sources = [tp for tp in self.assignment() if self._is_source(tp)]
        starts: Mapping[TP, int] = await self.earliest_offsets(*sources) if sources else {}
        for tp in sources:
            committed = None if tp.topic in self.delivery.replayed else self._committed_offset[tp]
            start = starts.get(tp, 0)
            if committed is not None and committed < start:
                self.log.error("%s: the broker has dropped %d records before they were read", tp, start - committed)
            if committed is None or committed < start:
                await self.seek(tp, start)
            self._reached[tp] = self.began[tp] = max(committed or 0, start)

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Sets changelog partitions; called by the recovery before it reads them."""
        async with self._seek_lock:
            await super().seek_wait(partitions)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109  # Faust's signature, here and below
        async with self._seek_lock:
            if not self.flow_active:
                return {}
            # aiokafka takes an empty set for "no filter", and Faust passes its live one, which may become empty while the fetch waits.
            frozen = None if active_partitions is None else frozenset(active_partitions) | {_NO_PARTITION}
            return await super()._getmany(frozen, min(timeout, _FETCH_SECONDS))

    # -- batches

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop or not self.flow_active:
            return
        for tp, batch in records.items():
            is_source = self._is_source(tp)
            for i in range(0, len(batch), self.delivery.max_batch):
                if not self.flow_active or self.app.consumer_generation_id != generation:
                    return
                if not (active is None or tp in active or tp in self._buffered_partitions):
                    break
                if is_source and i == 0:
                    self._check_chain(tp, batch)
                part = batch[i : i + self.delivery.max_batch]
                message = self._to_batch_message(tp, part)
                if is_source:
                    self._inflight[tp].append(message.offset)
                # Faust would drop a message below its own notion of the offset read; ours is the chain.
                self._read_offset[tp] = None
                yield tp, message
            else:
                if is_source:
                    self._extend_chain(tp, batch)

    def _to_batch_message(self, tp: TP, batch: list[Any]) -> ConsumerMessage:
        last = batch[-1]
        return ConsumerMessage(
            tp.topic, tp.partition, last.offset, last.timestamp / 1000, last.timestamp_type, (), None, batch, None, -1, -1, TP(*tp),
            generation_id=self.app.consumer_generation_id,
        )  # fmt: skip

    def _check_chain(self, tp: TP, batch: Fetched) -> None:
        reached = self._reached.get(tp)
        if reached is not None and batch.start is not None and batch.start > reached:
            stop_at_once(f"records {reached} to {batch.start - 1} of {tp.topic}/{tp.partition} were fetched but not delivered")

    def _extend_chain(self, tp: TP, batch: Fetched) -> None:
        reached = self._reached.get(tp)
        # without records only the next link counts: what was dropped must stay visible as a break
        if batch.end is not None and (batch or reached is None or batch.start is None or batch.start <= reached):
            self._reached[tp] = batch.end

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109
        if self.flow_active and not self.app.client_only and not self._get_active_partitions():
            await self.sleep(_IDLE_SECONDS)  # Faust sleeps for a second
            return {}, self._get_active_partitions()
        return await super()._wait_next_records(timeout)

    # -- commits: a prefix of what was delivered and acknowledged

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Not needed: the queue of delivered offsets knows its gaps."""

    def _new_offset(self, tp: TP) -> int | None:
        queue, acked = self._inflight[tp], self._acked_index[tp]
        last = None
        while queue and queue[0] in acked:
            last = queue.popleft()
            acked.discard(last)
        if last is None:
            return None
        pending = self._acked[tp]
        pending[:] = [offset for offset in pending if offset in acked]
        return None if tp.topic in self.delivery.replayed else last + 1

    # -- what others may ask

    def has_committed(self, tp: TP, end: int) -> bool:
        """Whether everything below `end` was delivered, acknowledged and given to a commit."""
        return self._reached.get(tp, -1) >= end and not self._inflight[tp]

    def progress(self) -> int:
        """Changes whenever something was delivered."""
        return sum(self._reached.values())

    def heard(self) -> dict[TP, int | None]:
        """Of every source partition a number that changes with each answer of Kafka; None while the last answer waits to be taken."""
        assigned = self.assignment()
        return {tp: self._thread.heard(tp) for tp in list(self._reached) if tp in assigned}

    def can_read(self) -> bool:
        """Whether there are records that could be delivered and were not yet."""
        ends = {tp: self._thread.stable_end(tp) for tp in self.lags()}
        return any(end is not None and end > self._reached.get(tp, end) for tp, end in ends.items())

    def lags(self) -> dict[TP, int]:
        """Records not yet delivered, of every source partition whose end is known."""
        out = {}
        for tp, reached in list(self._reached.items()):
            end = self.highwater(tp) if tp in self.assignment() else None
            if end is not None:
                out[tp] = max(0, end - reached)
        return out

    def _forget(self) -> None:
        self._inflight.clear()
        self._acked.clear()
        self._acked_index.clear()
        self._reached.clear()
        self.began.clear()


def batch_transport(delivery: Delivery) -> type:
    """The transport class that delivers this way; for `App._new_transport`."""
    consumer = type("Consumer", (BatchConsumer,), {"delivery": delivery, "__module__": __name__})
    return type("Transport", (driver.Transport,), {"Consumer": consumer})
