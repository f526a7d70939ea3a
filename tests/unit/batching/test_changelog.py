"""The ledger table: what is written before what is acknowledged, and what is forgotten when."""

import asyncio
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from faust.types.tuples import TP

from agents.batching import changelog as module
from agents.batching.changelog import LedgerTable
from streams.events import make
from streams.ledger import Ledger
from streams.ledger_records import Record, parse_key
from tests.unit.simulated_worker import Batch

CHANGELOG = TP("changelog", 0)


class Stopped(BaseException):
    """Stands for the end of the process."""


class Producer:
    """Keeps what it is given; acknowledges at once, or when told to."""

    def __init__(self) -> None:
        self.log: list[Record] = []
        self.end = 0
        self.gate: asyncio.Event | None = None
        self.error: Exception | None = None

    def create_batch(self) -> Batch:
        return Batch(2)

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> "asyncio.Future[Any]":
        if self.gate is not None:
            await self.gate.wait()
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self.error is not None:
            done.set_exception(self.error)
            return done
        done.set_result(SimpleNamespace(offset=self.end))
        self.log += batch.records
        self.end += len(batch.records)
        return done


class Stream:
    def __init__(self) -> None:
        self.acked: list[Any] = []

    async def ack(self, event: Any) -> None:
        self.acked.append(event)


@pytest.fixture
async def table(monkeypatch: pytest.MonkeyPatch) -> Any:
    def stop(reason: str, cause: BaseException | None = None) -> None:
        raise Stopped(reason)

    monkeypatch.setattr(module, "stop_at_once", stop)
    app = faust.App("test", broker="kafka://nowhere", store="memory://", web_enabled=False, autodiscover=False)
    events: list[str] = []
    it: Any = LedgerTable(
        app,
        name="ledger",
        partitions=1,
        changelog_topic=app.topic("changelog", partitions=1, internal=True, allow_empty=True),
        new_state=lambda _: Ledger(),
        producer={},
        on_open=lambda partition, ledger, epoch: events.append(f"open {partition}"),
        on_close=lambda partition: events.append(f"close {partition}"),
    )
    it.events = events
    it._producer = Producer()
    return it


async def assign(table: Any, generation: int, read_to: int = -1) -> None:
    await table.on_rebalance({CHANGELOG}, set(), {CHANGELOG}, generation)
    table.app.tables.recovery.active_offsets[CHANGELOG] = read_to
    await table.on_recovery_completed({CHANGELOG}, set())


def message(*subjects: str, generation: int = 1) -> Any:
    return SimpleNamespace(message=SimpleNamespace(partition=0, value=subjects, generation_id=generation, topic="changelog"))


def add(sends: Sequence[Any] = ()) -> Any:
    def apply(partition: int, ledger: Ledger, message: Any) -> Sequence[Any]:
        for subject in message.value:
            ledger.add(subject, make("call.queued", 1, subject, "pbx"))
        return sends

    return apply


def written(table: Any) -> list[str | None]:
    return [parse_key(key).subject for key, value in table._producer.log if value is not None]


async def settled(table: Any) -> None:
    while table.slots[0].task is not None:
        await asyncio.sleep(0)


async def test_a_partition_is_announced_before_it_is_opened(table: Any) -> None:
    table._producer.gate = asyncio.Event()
    await table.on_rebalance({CHANGELOG}, set(), {CHANGELOG}, 1)
    table.app.tables.recovery.active_offsets[CHANGELOG] = -1
    opening = asyncio.ensure_future(table.on_recovery_completed({CHANGELOG}, set()))
    await asyncio.sleep(0)
    assert (table.events, table.all_open) == ([], False)
    table._producer.gate.set()
    await opening
    assert (table.events, table.all_open) == (["open 0"], True)
    assert written(table) == [None]


async def test_all_are_open_once_the_last_assigned_partition_is(table: Any) -> None:
    other = TP("changelog", 1)
    assert not table.all_open
    await assign(table, 1)
    await table.on_rebalance({CHANGELOG, other}, set(), {other}, 2)
    table.app.tables.recovery.active_offsets.update({CHANGELOG: 0, other: -1})
    table.apply_changelog_batch([SimpleNamespace(message=SimpleNamespace(partition=1, value=[], generation_id=2, topic="changelog"))])
    await table.on_recovery_completed({CHANGELOG}, set())
    assert not table.all_open
    await table.on_recovery_completed({other}, set())
    assert table.all_open


async def test_a_message_is_acknowledged_after_its_changes_and_sends_are(table: Any) -> None:
    await assign(table, 1)
    stream, sent, gate = Stream(), [], asyncio.Event()
    table._producer.gate = gate

    async def send() -> None:
        assert written(table) == [None, "a", "b", "c"]
        assert stream.acked == []
        sent.append("dead letter")

    event = message("a", "b", "c")
    await table.take(stream, event, add([send()]))
    await asyncio.sleep(0)
    assert stream.acked == []
    gate.set()
    await settled(table)
    assert (stream.acked, sent) == ([event], ["dead letter"])


async def test_messages_that_come_during_a_flush_share_the_next(table: Any) -> None:
    await assign(table, 1)
    stream, table._producer.gate = Stream(), asyncio.Event()
    for subject in ("a", "b", "a", "b"):
        await table.take(stream, message(subject), add())
        await asyncio.sleep(0)
    table._producer.gate.set()
    await settled(table)
    assert written(table) == [None, "a", "b"]
    assert len(stream.acked) == 4


async def test_a_failed_send_stops_the_worker_without_an_acknowledgement(table: Any) -> None:
    await assign(table, 1)
    stream, table._producer.error = Stream(), OSError("disk full")
    await table.take(stream, message("a"), add())
    task = table.slots[0].task
    with pytest.raises(Stopped, match="not written"):
        await task
    assert stream.acked == []


async def test_a_partition_that_stays_is_closed_kept_and_read_on_from_where_it_was(table: Any) -> None:
    await assign(table, 1)
    await table.take(Stream(), message("a"), add())
    await settled(table)
    ledger = table.slots[0].state
    assert table.persisted_offset(CHANGELOG) == 1
    table._producer.end = 7  # another worker wrote
    await assign(table, 2, read_to=6)
    assert table.slots[0].state is ledger
    assert table.events == ["open 0", "close 0", "open 0"]
    assert table.persisted_offset(CHANGELOG) == 7


async def test_a_partition_with_unwritten_changes_is_forgotten(table: Any) -> None:
    await assign(table, 1)
    table._producer.gate = asyncio.Event()
    stream = Stream()
    await table.take(stream, message("a"), add())
    old = table.slots[0]
    await table.on_rebalance({CHANGELOG}, set(), {CHANGELOG}, 2)
    assert table.persisted_offset(CHANGELOG) == -1
    table._producer.gate.set()
    await old.task
    assert stream.acked == []  # the message is fetched again; that copy is to be written before it counts


async def test_a_partition_that_was_lost_is_forgotten(table: Any) -> None:
    await assign(table, 1)
    await table.on_rebalance(set(), {CHANGELOG}, set(), 2)
    assert table.slots == {}
    assert table.open_states() == {}


def changelog_message(records: Iterable[Record], generation: int) -> Any:
    value = [SimpleNamespace(key=key, value=value) for key, value in records]
    return SimpleNamespace(message=SimpleNamespace(tp=CHANGELOG, topic="changelog", partition=0, value=value, generation_id=generation))


async def test_recovery_takes_up_only_records_of_its_own_generation(table: Any) -> None:
    ledger = Ledger()
    ledger.open(b"\x00\x00\x00\x05" + b"12345678")
    ledger.add("a", make("call.queued", 1, "a", "pbx"))
    stale = changelog_message(ledger.changes(), generation=1)
    await table.on_rebalance({CHANGELOG}, set(), {CHANGELOG}, 2)
    table.app.tables.recovery.active_offsets[CHANGELOG] = 3
    await table.on_changelog_event(stale)
    assert table.app.tables.recovery.active_offsets[CHANGELOG] == -1
    table.apply_changelog_batch([stale])
    await table.on_recovery_completed({CHANGELOG}, set())
    assert len(table.slots[0].state) == 0


async def test_a_changelog_that_cannot_be_read_stops_the_worker(table: Any) -> None:
    await table.on_rebalance({CHANGELOG}, set(), {CHANGELOG}, 1)
    with pytest.raises(Stopped, match="changelog of its own"):
        table.apply_changelog_batch([changelog_message([(b"foreign", b"x")], generation=1)])


async def test_a_batch_for_a_closed_partition_stops_the_worker(table: Any) -> None:
    with pytest.raises(Stopped, match="before the partition was opened"):
        await table.take(Stream(), message("a"), add())
