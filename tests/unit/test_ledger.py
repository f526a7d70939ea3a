"""The ledger of one partition: a join of event sets that survives crashes, sleepers, replays and compaction."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.event_set import CHUNK_BYTES, MAX_EVENTS
from streams.events import Event, make, pack
from streams.ledger import Added, Ledger
from streams.ledger_records import LedgerFormatError, announcement, epoch_number, gravestone, make_epoch, parse_key
from tests.unit.ledger_simulation import CompactedLog, Worker, expected, recovered, sets, some_events

EPOCH = make_epoch(1, b"12345678")
seeds = st.integers(0, 2**32)


def event(n: int, time: int = 0, source: str = "pbx", queue: str = "sales") -> Event:
    return make("call.queued", time or n, f"e{n}", source, queue=queue)


def opened(epoch: bytes = EPOCH) -> Ledger:
    ledger = Ledger()
    ledger.open(epoch)
    return ledger


def test_an_event_is_new_once_and_a_duplicate_after_that() -> None:
    ledger = opened()
    added = [ledger.add("s", e) for e in (event(1), event(1), event(1, source="crm"))]
    assert added == [Added.NEW, Added.DUPLICATE, Added.NEW]
    assert ledger.size("s") == ledger.events_held == 2
    assert ledger.add("other", event(1)) is Added.NEW


def test_events_come_by_time_then_id_then_source() -> None:
    ledger = opened()
    for e in (event(3, time=5), event(2, time=5), event(9, time=1), event(2, time=5, source="crm")):
        ledger.add("s", e)
    in_order = [(e.time, e.id, e.source) for e in ledger.events("s")]
    assert in_order == [(1, "e9", "pbx"), (5, "e2", "crm"), (5, "e2", "pbx"), (5, "e3", "pbx")]
    assert ledger.events("unknown") == []


def test_of_two_contents_the_earlier_counts_in_any_order_and_both_are_kept() -> None:
    early, late = event(1, time=10, queue="sales"), event(1, time=20, queue="support")
    for order in ((early, late), (late, early)):
        ledger = opened()
        assert [ledger.add("s", e) for e in order] == [Added.NEW, Added.CONFLICT]
        assert [ledger.add("s", e) for e in order] == [Added.DUPLICATE, Added.DUPLICATE]
        assert [e.time for e in ledger.events("s")] == [10]
        assert ledger.size("s") == 2


def test_a_conflict_at_one_time_falls_the_same_way_before_and_after_a_restart() -> None:
    # the deadline's offset is +02:00 on the wire and UTC in the changelog
    contents = [make("call.queued", 5, "e1", "pbx", queue=q, due_first_response="2026-01-01T10:00:00+02:00") for q in "abcdefgh"]
    winners = set()
    for shift in range(len(contents)):
        log, order = CompactedLog(), contents[shift:] + contents[:shift]
        worker = Worker(log, [("s", e) for e in order], 0, random.Random(shift))
        worker.take(4)
        worker.settle()
        again = Worker(log, worker.source, 4, random.Random(shift))
        again.take(4)
        winners.add(again.ledger.events("s")[0].data.queue)
        assert again.ledger.size("s") == 8
    assert len(winners) == 1


def test_the_cap_refuses_new_events_and_still_knows_duplicates() -> None:
    ledger = opened()
    assert {ledger.add("s", event(n)) for n in range(MAX_EVENTS)} == {Added.NEW}
    assert ledger.add("s", event(MAX_EVENTS)) is Added.FULL
    assert ledger.add("s", event(7, time=99)) is Added.FULL
    assert ledger.add("s", event(7)) is Added.DUPLICATE
    assert ledger.size("s") == 10_000
    records = ledger.changes()
    assert len(records) == 157  # of at most 64 events
    restored = Ledger()
    restored.restore(reversed(records))
    restored.open(make_epoch(2, b"12345678"))
    assert restored.size("s") == 10_000


def test_a_flush_rewrites_only_the_last_chunk() -> None:
    ledger = opened()
    for n in range(700):
        ledger.add("s", event(n))
    assert [parse_key(key).chunk for key, _ in ledger.changes()] == list(range(11))
    ledger.add("s", event(700))
    assert [parse_key(key).chunk for key, _ in ledger.changes()] == [10]
    assert ledger.changes() == []


def test_a_chunk_ends_early_rather_than_become_a_record_too_large_for_kafka() -> None:
    ledger = opened()
    for n in range(10):
        ledger.add("s", event(n, queue="x" * 200_000))
    ledger.changes()
    ledger.add("s", event(11, queue="x" * 900_000))
    ledger.add("s", event(12))
    log = ledger.changes()
    assert [parse_key(key).chunk for key, _ in log] == [4, 5, 6]
    assert [len(value or b"") > CHUNK_BYTES for _, value in log] == [False, True, False]


def test_an_epochs_chunks_are_written_whole_when_first_touched_and_the_former_ones_buried_in_the_next_flush() -> None:
    log, source = CompactedLog(), [("s", event(n)) for n in range(101)]
    Worker(log, source[:100], 0, random.Random(1)).take(0)
    first = Worker(log, source, 0, random.Random(2))
    first.take(100)
    first.flush()
    second = Worker(log, source, 100, random.Random(3))
    assert not second.ledger.unwritten
    second.take(1)
    union = second.ledger.changes()
    assert [(parse_key(k).chunk, v is None) for k, v in union if parse_key(k).subject] == [(0, False), (1, False)]
    burial = second.ledger.changes()
    assert {(parse_key(k).epoch, parse_key(k).chunk) for k, v in burial if v is None} == {(first.ledger.epoch, 0), (first.ledger.epoch, 1)}
    assert burial[-1] == announcement(second.ledger.epoch or b"")


@given(seeds, st.integers(1, 60))
def test_order_duplicates_and_batches_make_no_difference(seed: int, batch: int) -> None:
    rnd = random.Random(seed)
    source = some_events(rnd, subjects=3, n=60)
    shuffled = rnd.sample(source, len(source))
    one, other = (Worker(CompactedLog(), s, 0, rnd) for s in (source, shuffled))
    one.take(len(source))
    while other.position < len(source):
        other.take(rnd.randint(1, batch))
        other.flush()
    names = ["s0", "s1", "s2"]
    assert sets(one.ledger, names) == sets(other.ledger, names)
    assert [list(map(pack1, one.ledger.events(s))) for s in names] == [list(map(pack1, other.ledger.events(s))) for s in names]


def pack1(e: Event) -> bytes:
    return pack((e,))


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_nothing_is_lost_or_invented_by_crashes_sleepers_replays_and_compaction(seed: int) -> None:
    rnd = random.Random(seed)
    size = rnd.choice((60, 300, 900))
    source = some_events(rnd, subjects=rnd.choice((1, 5, 40)), n=size)
    log, committed, sleepers = CompactedLog(), 0, []
    worker = Worker(log, source, 0, rnd)
    for _ in range(rnd.randint(5, 40)):
        move = rnd.random()
        if move < 0.5:
            worker.take(rnd.randint(1, size // 5))
            worker.flush()
            committed = worker.position
        elif move < 0.6:  # killed in the middle of a flush, at any record
            worker.take(rnd.randint(1, size // 5))
            worker.flush(limit=rnd.randint(0, 20))
            worker = Worker(log, source, committed, rnd)
        elif move < 0.7:  # put to sleep with a packed flush in hand; another takes over
            worker.take(rnd.randint(0, size // 10))
            sleepers.append((worker, worker.ledger.changes()))
            worker = Worker(log, source, committed, rnd)
        elif move < 0.8 and sleepers:  # a sleeper writes its flush, perhaps one more, and learns that its commit is refused
            sleeper, flush = sleepers.pop(rnd.randrange(len(sleepers)))
            sleeper.write(flush)
            sleeper.take(rnd.randint(0, size // 10))
            if rnd.random() < 0.8:
                sleeper.flush()
            if rnd.random() < 0.5 and not sleeper.ledger.unwritten:  # and gets the partition again, with what it holds in memory
                if rnd.random() < 0.5:
                    worker.flush()
                sleeper.position = committed
                sleeper.reopen()
                worker = sleeper
        elif move < 0.9:  # the partition stays: closed, read again from where nobody else had written, opened anew
            worker.settle()
            committed = worker.position
            if rnd.random() < 0.5:
                sleepers += [(sleeper := Worker(log, source, committed, rnd), sleeper.ledger.changes())]
            worker.reopen()
        else:
            committed = rnd.randint(0, committed)  # a replay
            worker = Worker(log, source, committed, rnd)
        if rnd.random() < 0.5:
            log.compact(rnd.randint(0, len(log.records)), drop_tombstones=rnd.random() < 0.5)
        truth = expected(source[:committed])
        in_log = recovered(log)
        held = sets(in_log, list(in_log.subjects()))
        assert all(events <= held.get(subject, set()) for subject, events in truth.items()), "committed, but not in the changelog"
    last = Worker(log, source, committed, rnd)
    last.take(len(source))
    last.settle()
    log.compact(len(log.records), drop_tombstones=True)
    final = recovered(log)
    assert sets(final, list(final.subjects())) == expected(source)
    again = Worker(log, source, 0, rnd)
    assert set(again.take(len(source))) == {Added.DUPLICATE}


def test_what_sleepers_left_is_gone_after_the_next_opening() -> None:
    rnd, log = random.Random(5), CompactedLog()
    source = [(f"s{n}", event(n)) for n in range(50)]
    old = Worker(log, source, 0, rnd)
    old.take(50)
    packed = old.ledger.changes()
    new = Worker(log, source, 0, rnd)
    new.take(50)
    new.settle()
    for record in packed:
        log.append(record)
    third = Worker(log, source, 50, rnd)
    third.settle()
    log.compact(len(log.records), drop_tombstones=True)
    live = {parse_key(key) for key, value in log.read() if value is not None}
    assert {key.epoch for key in live} == {third.ledger.epoch}
    assert len(live) == 51


@pytest.mark.parametrize("again", ["the sleeper itself, with its memory", "a worker that reads everything"])
def test_an_event_that_only_a_buried_record_holds_is_written_again(again: str) -> None:
    """A sleeper's record grows after its successor has read it and before the successor buries it: the growth is in no live record."""
    log, rnd, source = CompactedLog(), random.Random(1), [("s", event(1)), ("s", event(2)), ("s", event(3))]
    sleeper = Worker(log, source, 0, rnd)
    sleeper.take(1)
    sleeper.flush()
    sleeper.take(1)
    growth = sleeper.ledger.changes()
    successor = Worker(log, [("s", event(3))], 0, rnd)
    successor.take(1)
    successor.flush()
    sleeper.write(growth)
    successor.flush()  # buries the sleeper's record, with the second event in it
    if again.startswith("the sleeper"):
        assert not sleeper.ledger.unwritten
        last = sleeper
        last.position = 1
        last.reopen()
    else:
        last = Worker(log, source, 1, rnd)
    last.take(1)  # the second event once more: its first commit was refused
    last.flush()
    log.compact(len(log.records), drop_tombstones=True)
    assert [e.id for e in recovered(log).events("s")] == ["e1", "e2", "e3"]


def test_every_flush_ends_with_a_live_record() -> None:
    ledger = opened()
    ledger.add("s", event(1))
    first = ledger.changes()
    ledger.retire(["s"], 7)
    second, third = ledger.changes(), ledger.changes()
    assert [flush[-1][1] is not None for flush in (first, second, third)] == [True, True, True]
    assert second == [gravestone(EPOCH, "s", 7)]
    assert third == [(EPOCH + b"\x00\x00s", None), announcement(EPOCH)]
    assert not ledger.pending


def test_a_gravestone_refuses_events_before_and_after_a_restart() -> None:
    log, rnd = CompactedLog(), random.Random(1)
    worker = Worker(log, [("s", event(1)), ("t", event(2))], 0, rnd)
    worker.take(2)
    worker.flush()
    worker.ledger.retire(["s"], 99)
    assert worker.ledger.add("s", event(1)) is Added.RETIRED
    worker.settle()
    log.compact(len(log.records), drop_tombstones=True)
    again = Worker(log, worker.source, 0, rnd)
    assert again.take(2) == [Added.RETIRED, Added.DUPLICATE]
    assert list(again.ledger.subjects()) == ["t"]
    assert again.ledger.events_held == 1


@settings(max_examples=100, deadline=None)
@given(seeds)
def test_a_gravestone_wins_over_every_set_of_every_epoch(seed: int) -> None:
    rnd, log = random.Random(seed), CompactedLog()
    source = [("s", event(n)) for n in range(rnd.choice((3, 130)))]
    sleeper = Worker(log, source, 0, rnd)
    sleeper.take(len(source))
    packed = sleeper.ledger.changes()
    if rnd.random() < 0.5:
        for record in packed:
            log.append(record)
    worker = Worker(log, source, 0, rnd)
    worker.take(len(source))
    if rnd.random() < 0.8:
        worker.flush()
    worker.ledger.retire(["s"], 1)
    for _ in range(rnd.randint(1, 3)):
        worker.flush()
    for record in packed:  # the set reappears
        log.append(record)
    if rnd.random() < 0.5:
        log.compact(rnd.randint(0, len(log.records)), drop_tombstones=True)
    restored = Ledger()
    records = log.read()
    rnd.shuffle(records)
    restored.restore(records)
    restored.open(make_epoch(9, b"12345678"))
    assert "s" not in restored
    buried = Worker(log, source, 0, rnd)
    assert set(buried.take(len(source))) == {Added.RETIRED}
    buried.settle()
    log.compact(len(log.records), drop_tombstones=True)
    assert all(parse_key(key).chunk in (-1, 0xFFFF) for key, _ in log.read())
    assert "s" not in recovered(log)


def test_the_end_of_a_recording_survives_a_restart_and_is_no_interaction() -> None:
    end = make("recording.ended", 5, "end", "replay", at="1970-01-01T00:00:09Z")
    other_end = make("recording.ended", 5, "end2", "replay")
    log = CompactedLog()
    worker = Worker(log, [("recording", end), ("s", event(1)), ("recording", other_end)], 0, random.Random(1))
    assert worker.ledger.ended_at is None
    worker.take(3)
    worker.settle()
    assert worker.ledger.ended_at == 9000
    ledger = recovered(log)
    assert ledger.ended_at == 9000
    assert list(ledger.subjects()) == ["s"]


def test_keys_can_be_read_back() -> None:
    assert epoch_number(EPOCH) == 1
    assert parse_key(announcement(EPOCH)[0]).subject is None
    assert parse_key(gravestone(EPOCH, "größe", 1)[0]) == (EPOCH, EPOCH + b"\xff\xff", 0xFFFF, "größe")


@pytest.mark.parametrize("key", [b"", b"short", EPOCH + b"\x00\x00", EPOCH + b"\x00\x00\xff"])
def test_a_foreign_record_is_refused_with_a_remedy(key: bytes) -> None:
    with pytest.raises(LedgerFormatError, match="changelog of its own"):
        Ledger().restore([(key, b"x")])


def test_a_closed_ledger_writes_nothing() -> None:
    with pytest.raises(RuntimeError, match="not open"):
        Ledger().changes()
