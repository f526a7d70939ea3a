"""The interactions agent without Kafka: batches into open partitions, ticks out of them."""

from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Literal

import pytest

from agents.intake import Outgoing
from agents.interactions import Interactions
from agents.partials import Held, PartialRow, Reached, decode
from agents.pipeline import Pipeline
from streams.events import Event, encode, make
from streams.ledger import Ledger
from streams.ledger_records import make_epoch
from streams.partitioning import partition_of
from streams.policy import load
from streams.rollup import Rollup
from streams.snapshot import RowKey

EPOCH = make_epoch(3, b"12345678")
NOON = 1_700_000_000_000


class Desk:
    """Interactions with one open partition of four, and all that leaves them."""

    def __init__(self, clock: Literal["wall", "recording"] = "wall") -> None:
        self.sent: list[Outgoing] = []
        self.pipeline = Pipeline()
        self.work = Interactions(
            load(""), clock=clock, partitions=4, dead_letters="dead-letters", send=self._send, pipeline=self.pipeline
        )  # fmt: skip
        self.ledger = Ledger()
        self.ledger.open(EPOCH)
        self.work.opened(0, self.ledger, EPOCH)

    async def _send(self, records: Sequence[Outgoing]) -> None:
        self.sent += records

    async def take(self, *values: bytes, topic: str = "calls") -> None:
        records = [SimpleNamespace(key=b"k", value=v, headers=(), timestamp=NOON + 10**9, offset=n) for n, v in enumerate(values)]
        for send in self.work.take(0, self.ledger, SimpleNamespace(topic=topic, value=records)):
            await send

    def tick(self, tick: int, now_ms: int, ended: bool = False) -> list[PartialRow | Reached | None]:
        return [decode(*wire) for wires in self.work.tick(tick, now_ms, lambda _: ended) for wire in wires]


def feed(rollup: Rollup, records: Iterable[PartialRow | Reached | None]) -> None:
    for record in records:
        if isinstance(record, PartialRow):
            rollup.put(record.lead, record.epoch, record.tick, record.segment, record.packed)
        elif record is not None:
            held = {each.partition: each.epoch for each in record.held}
            rollup.reached(record.lead, record.epoch, record.tick, record.now_ms, record.policy, ended=record.ended, held=held)


def subjects(partition: int, number: int) -> list[str]:
    found = [f"s{n}" for n in range(200) if partition_of(f"s{n}".encode(), 4) == partition]
    return found[:number]


HERE, ELSEWHERE = subjects(0, 1)[0], subjects(2, 1)[0]


def queued(n: int = 1, subject: str = HERE, queue: str = "sales", after_ms: int = 0) -> bytes:
    return encode(subject, make("call.queued", NOON + after_ms, f"e{n}", "pbx", queue=queue))


async def test_events_are_counted_by_what_became_of_them() -> None:
    desk = Desk()
    await desk.take(queued(1), queued(1), queued(1, queue="support"), b"nonsense", queued(2))
    assert [e.id for e in desk.ledger.events(HERE)] == ["e1", "e2"]
    totals, _ = desk.pipeline.totals()
    assert (totals["events"], totals["duplicates"][""], desk.work.conflicts) == ({"calls": 5}, 1, 1)
    assert totals["dead_letters"]["malformed"] == 1
    assert [(sent.topic, sent.value) for sent in desk.sent] == [("dead-letters", b"nonsense")]


async def test_a_misplaced_record_goes_to_its_partition_and_not_into_the_ledger() -> None:
    desk = Desk()
    await desk.take(queued(1, ELSEWHERE))
    assert ELSEWHERE not in desk.ledger
    assert [(sent.topic, sent.partition, sent.value) for sent in desk.sent] == [("calls", 2, queued(1, ELSEWHERE))]
    assert desk.work.forwarded == 1


async def test_an_event_for_a_retired_interaction_is_late_and_kept_as_a_dead_letter() -> None:
    desk = Desk()
    desk.ledger.add(HERE, make("call.queued", NOON, "e1", "pbx"))
    desk.ledger.retire([HERE], NOON)
    await desk.take(queued(2))
    assert [dict(sent.headers)["firstline_reason"] for sent in desk.sent] == [b"retired"]
    assert desk.pipeline.totals()[0]["late_events"] == {"": 1}


async def test_a_tick_sends_all_rows_first_then_changes_and_always_what_it_reached() -> None:
    desk = Desk()
    await desk.take(queued(1))
    first = desk.tick(100, NOON + 1000)
    assert {type(record) for record in first[:-1]} == {PartialRow}
    assert {(row.lead, row.epoch, row.tick) for row in first[:-1] if isinstance(row, PartialRow)} == {(0, 3, 100)}
    assert first[-1] == Reached(0, 3, 100, NOON + 1000, len(first) - 1, "default", False, (Held(0, 3),))
    assert desk.tick(101, NOON + 1000) == [Reached(0, 3, 101, NOON + 1000, 0, "default", False, (Held(0, 3),))]


async def test_a_worker_tells_of_all_its_partitions_in_one_row_of_each_segment() -> None:
    desk, other, rollup = Desk(), Ledger(), Rollup(load(""), 2)
    later = make_epoch(5, b"12345678")
    other.open(later)
    other.add(subjects(1, 1)[0], make("call.queued", NOON, "e1", "pbx", queue="sales"))
    desk.work.opened(1, other, later)
    await desk.take(queued(1))
    told = desk.tick(100, NOON + 1000)
    rows = [record for record in told if isinstance(record, PartialRow)]
    assert {row.lead for row in rows} == {0}
    assert len({row.segment for row in rows}) == len(rows) == len(told) - 1
    assert told[-1] == Reached(0, 3, 100, NOON + 1000, len(rows), "default", False, (Held(0, 3), Held(1, 5)))
    feed(rollup, told)
    snapshot = rollup.ready()
    assert snapshot is not None and snapshot.complete
    assert rollup.rows[RowKey((), (), "5m")]["kpis"]["offered"] == {"value": 2}


async def test_a_partition_that_goes_takes_its_interactions_along() -> None:
    desk, other, rollup = Desk(), Ledger(), Rollup(load(""), 1)
    other.open(EPOCH)
    other.add(subjects(1, 1)[0], make("call.queued", NOON, "e1", "pbx", queue="sales"))
    desk.work.opened(1, other, EPOCH)
    await desk.take(queued(1))
    desk.tick(100, NOON + 1000)
    desk.work.closed(1)
    feed(rollup, desk.tick(101, NOON + 1500))
    assert rollup.ready() is not None
    assert rollup.rows[RowKey((), (), "5m")]["kpis"]["offered"] == {"value": 1}
    desk.work.closed(0)
    assert desk.tick(102, NOON + 2000) == []


async def test_what_is_evaluated_before_a_tick_is_in_its_rows_once() -> None:
    desk, rollup = Desk(), Rollup(load(""), 1)
    await desk.take(*(queued(1, subject) for subject in subjects(0, 8)))
    for left in (5, 2, 0):
        desk.work.evaluate(NOON + 500, 3)
        assert desk.work.touched == left
    await desk.take(queued(2, HERE, queue="support", after_ms=10))
    feed(rollup, desk.tick(100, NOON + 1000))
    assert rollup.ready() is not None
    assert rollup.rows[RowKey((), (), "5m")]["kpis"]["offered"] == {"value": 9}


async def test_rows_feed_the_rollup() -> None:
    desk, rollup = Desk(), Rollup(load(""), 1)
    await desk.take(queued(1))
    feed(rollup, desk.tick(100, NOON + 1000))
    snapshot = rollup.ready()
    assert snapshot is not None
    centre = {key.window: row for key, row in snapshot.changed.items() if key.by == () and row}
    assert centre["5m"]["kpis"]["offered"] == {"value": 1}


async def test_the_recordings_clock_is_the_latest_event_until_its_end() -> None:
    desk = Desk("recording")
    assert desk.tick(100, NOON) == []
    await desk.take(queued(1, after_ms=5000), queued(2, after_ms=2000))
    running = desk.tick(101, NOON * 2)[-1]
    assert isinstance(running, Reached)
    assert (running.now_ms, running.ended) == (NOON + 5000, False)
    end = encode("recording", make("recording.ended", NOON + 9000, "end", "replay"))
    await desk.take(end, topic="control")
    reached = desk.tick(102, NOON * 2, ended=True)[-1]
    assert isinstance(reached, Reached)
    assert (reached.now_ms, reached.ended) == (NOON + 9000, True)
    assert list(desk.ledger.subjects()) == [HERE]


async def test_a_recording_may_lie_in_the_future_of_its_replay() -> None:
    for clock, taken in (("wall", []), ("recording", ["e1"])):
        desk = Desk(clock)  # type: ignore[arg-type]
        await desk.take(queued(after_ms=2 * 10**9))
        assert [e.id for e in desk.ledger.events(HERE)] == taken


async def test_the_recordings_clock_survives_a_restart() -> None:
    desk = Desk("recording")
    desk.work.closed(0)
    ledger = Ledger()
    ledger.open(EPOCH)
    events: list[Event] = [make("call.queued", NOON + n, f"e{n}", "pbx") for n in (3, 7, 5)]
    for event in events:
        ledger.add(HERE, event)
    desk.work.opened(0, ledger, EPOCH)
    assert desk.work.now(0) == NOON + 7


async def test_what_is_older_than_the_retention_is_retired_by_the_wall_clock_only() -> None:
    day = 86_400_000
    for clock, retired in (("wall", [0]), ("recording", [])):
        desk = Desk(clock)  # type: ignore[arg-type]
        await desk.take(queued(1), encode(HERE, make("call.ended", NOON + 1000, "e2", "pbx")))
        desk.tick(100, NOON + 40 * day)
        assert desk.work.retire(NOON + 30 * day) == []
        assert desk.work.retire(NOON + 36 * day) == retired
        assert (HERE in desk.ledger) == (not retired)


@pytest.mark.parametrize("hours_ahead", [3, 24 * 9])
async def test_a_wall_clock_that_jumped_ahead_and_was_set_back_leaves_no_trace(hours_ahead: int) -> None:
    desk, rollup = Desk(), Rollup(load(""), 1)
    calls = [queued(1), encode(HERE, make("call.answered", NOON + 9000, "e2", "pbx", agent="a", team="t"))]
    await desk.take(*calls, queued(3, subjects(0, 2)[1], queue="ahead", after_ms=3_600_000))

    def offered(tick: int, now_ms: int) -> dict[str, int]:
        feed(rollup, desk.tick(tick, now_ms))
        snapshot = rollup.ready()
        assert snapshot is not None
        assert snapshot.at == now_ms
        return {key.window: row["kpis"]["offered"]["value"] for key, row in rollup.rows.items() if key.by == ()}

    assert offered(100, NOON + 10_000)["5m"] == 1
    known = set(rollup.rows)
    assert offered(100 + hours_ahead * 7200, NOON + hours_ahead * 3_600_000)["5m"] == 0
    assert any("ahead" in key.values for key in rollup.rows)
    assert offered(102, NOON + 11_000) == dict.fromkeys(("1m", "5m", "15m", "30m", "1h", "today", "week"), 1)
    assert set(rollup.rows) == known
    assert offered(103, NOON + 11_500)["1m"] == 1


@pytest.mark.parametrize("value", [b"", b"{}", b"\xff", b'{"specversion":"1.0"}', b'"\\ud800"', b"[" * 5000])
async def test_no_record_can_stop_the_agent(value: bytes) -> None:
    desk = Desk()
    await desk.take(value, queued(1))
    assert desk.ledger.size(HERE) == 1
    assert len(desk.sent) == 1


async def test_what_comes_in_while_rows_are_sent_does_not_end_a_recording_in_the_same_tick() -> None:
    """Its clock was looked at before: rows of that clock must not pass for the final ones."""
    desk, read = Desk("recording"), set[int]()
    await desk.take(queued(0), queued(1, after_ms=1000))
    ticking = desk.work.tick(100, NOON, lambda partition: partition in read, lambda _: (len(read),))
    next(ticking)  # rows are on their way
    await desk.take(queued(2, after_ms=5000), encode("recording", make("recording.ended", NOON + 9000, "end", "replay")))
    read.add(0)
    [about] = [decode(*wire) for wire in list(ticking)[-1]]
    assert isinstance(about, Reached)
    assert (about.now_ms - NOON, about.ended, about.held[0].positions) == (1000, False, (0,))
    [then] = [decode(*wire) for wire in list(desk.work.tick(101, NOON, lambda partition: partition in read))[-1]]
    assert isinstance(then, Reached)
    assert (then.now_ms - NOON, then.ended) == (9000, True)


async def test_a_recording_has_ended_when_it_has_in_all_partitions() -> None:
    desk, other = Desk("recording"), Ledger()
    other.open(EPOCH)
    desk.work.opened(1, other, EPOCH)
    end = encode("recording", make("recording.ended", NOON + 9000, "end", "replay"))
    await desk.take(queued(1, after_ms=1000), end, topic="calls")
    assert desk.work.now(0) == NOON + 1000
    reached = [decode(*wire) for wires in desk.work.tick(100, NOON, lambda partition: partition == 0) for wire in wires][-1]
    assert isinstance(reached, Reached) and not reached.ended
    other.add("recording", make("recording.ended", NOON + 9000, "end", "replay"))
    assert desk.work.now(0) == NOON + 9000


async def test_rows_end_where_a_partition_goes_while_they_are_sent() -> None:
    desk = Desk()
    await desk.take(queued(1))
    ticking = desk.work.tick(100, NOON + 1000, lambda _: False)
    next(ticking)
    desk.work.closed(0)
    assert list(ticking) == []


async def test_a_partition_may_go_while_the_last_record_of_a_tick_is_sent() -> None:
    desk = Desk()
    await desk.take(queued(1), encode(HERE, make("call.ended", NOON + 500, "e2", "pbx")))
    for _ in desk.work.tick(100, NOON + 1000, lambda _: False):
        pass
    await desk.take(queued(3, subjects(0, 2)[1]), encode(subjects(0, 2)[1], make("call.ended", NOON + 500, "e4", "pbx")))
    ticking = desk.work.tick(101, NOON + 1500, lambda _: False)
    records = next(ticking)
    while not isinstance(decode(*records[-1]), Reached):
        records = next(ticking)
    desk.work.closed(0)
    assert list(ticking) == []
