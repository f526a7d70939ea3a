"""Batch delivery: what may be committed, and when the chain of positions is broken."""

from collections import defaultdict, deque
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types.tuples import TP

from agents.batching import consumer as module
from agents.batching.consumer import BatchConsumer, Delivery
from agents.batching.records import Fetched

CALLS, PARTIALS = TP("calls", 0), TP("partials", 0)


class Stopped(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def consumer(monkeypatch: pytest.MonkeyPatch) -> Any:
    def stop(reason: str, cause: BaseException | None = None) -> None:
        raise Stopped(reason)

    monkeypatch.setattr(module, "stop_at_once", stop)
    it = BatchConsumer.__new__(BatchConsumer)
    it.delivery = Delivery(frozenset(("calls", "partials")), replayed=frozenset(("partials",)), max_batch=3)
    it._inflight, it._acked, it._acked_index = defaultdict(deque), defaultdict(list), defaultdict(set)
    it._reached, it.began, it._read_offset, it._buffered_partitions = {}, {}, {}, set()
    it.flow_active = True
    it.app = SimpleNamespace(consumer_generation_id=1, topics=SimpleNamespace(acks_enabled_for=lambda topic: topic != "changelog"))
    return it


def deliver(it: Any, tp: TP, *offsets: int) -> None:
    it._inflight[tp].extend(offsets)


def acknowledge(it: Any, tp: TP, *offsets: int) -> None:
    it._acked[tp].extend(offsets)
    it._acked_index[tp].update(offsets)


def test_only_a_prefix_of_what_was_delivered_is_committed(consumer: Any) -> None:
    deliver(consumer, CALLS, 9, 19, 24)
    acknowledge(consumer, CALLS, 19)
    assert consumer._new_offset(CALLS) is None
    acknowledge(consumer, CALLS, 9)
    assert consumer._new_offset(CALLS) == 20
    assert consumer._new_offset(CALLS) is None
    acknowledge(consumer, CALLS, 24)
    assert consumer._new_offset(CALLS) == 25


def test_topics_that_are_read_from_their_start_are_never_committed(consumer: Any) -> None:
    deliver(consumer, PARTIALS, 9)
    acknowledge(consumer, PARTIALS, 9)
    assert consumer._new_offset(PARTIALS) is None
    assert not consumer._inflight[PARTIALS]


async def batches(it: Any, records: dict[TP, Fetched], active: set[TP]) -> list[tuple[TP, int, int]]:
    async def fetched(_: float) -> Any:
        return records, active

    it._wait_next_records = fetched
    it._stopped = it._crashed = SimpleNamespace(is_set=lambda: False)
    it.crash_reason = None
    return [(tp, len(message.value), message.offset) async for tp, message in it.getmany(1.0)]


def records(*offsets: int) -> list[Any]:
    return [SimpleNamespace(offset=offset, timestamp=0, timestamp_type=0) for offset in offsets]


@pytest.fixture(autouse=True)
def _runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BatchConsumer, "should_stop", False)


async def test_a_fetch_is_delivered_in_slices_and_followed_by_the_next(consumer: Any) -> None:
    consumer._reached[CALLS] = 10
    first = Fetched(records(10, 11, 14, 15), 10, 20)  # holes of a transaction: offsets jump, positions do not
    assert await batches(consumer, {CALLS: first}, {CALLS}) == [(CALLS, 3, 14), (CALLS, 1, 15)]
    assert list(consumer._inflight[CALLS]) == [14, 15]
    assert await batches(consumer, {CALLS: Fetched([], 20, 23)}, {CALLS}) == []
    assert await batches(consumer, {CALLS: Fetched(records(23), 23, 24)}, {CALLS}) == [(CALLS, 1, 23)]
    assert not consumer.has_committed(CALLS, 24)
    acknowledge(consumer, CALLS, 14, 15, 23)
    assert consumer._new_offset(CALLS) == 24
    assert consumer.has_committed(CALLS, 24)
    assert not consumer.has_committed(CALLS, 25)


async def test_records_that_were_fetched_and_dropped_stop_the_worker_at_the_next_delivery(consumer: Any) -> None:
    consumer._reached[CALLS] = 10
    assert await batches(consumer, {CALLS: Fetched(records(10, 11), 10, 12)}, set()) == []
    with pytest.raises(Stopped, match="records 10 to 11 of calls/0 were fetched but not delivered"):
        await batches(consumer, {CALLS: Fetched(records(12), 12, 13)}, {CALLS})


async def test_a_break_stays_visible_behind_a_link_without_records(consumer: Any) -> None:
    consumer._reached[CALLS] = 10
    await batches(consumer, {CALLS: Fetched([], 12, 14)}, {CALLS})
    with pytest.raises(Stopped, match="records 10 to 13"):
        await batches(consumer, {CALLS: Fetched(records(14), 14, 15)}, {CALLS})


async def test_nothing_is_delivered_while_the_flow_is_stopped(consumer: Any) -> None:
    consumer.flow_active = False
    assert await batches(consumer, {CALLS: Fetched(records(1), 1, 2)}, {CALLS}) == []
