"""The ledger through crashes, sleepers, replays, restarts and compaction: a join that loses and invents nothing."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.events import Event, make, pack
from streams.ledger import Added, Ledger
from streams.ledger_records import announcement, make_epoch, parse_key
from tests.unit.ledger_simulation import CompactedLog, Worker, event, expected, recovered, sets, some_events

EPOCH = make_epoch(1, b"12345678")
seeds = st.integers(0, 2**32)


def pack1(e: Event) -> bytes:
    return pack((e,))


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


def test_an_event_that_is_known_from_another_epochs_record_is_written_under_the_own_one_before_it_counts_as_read() -> None:
    """Of two sleepers one buries what the other has written, after a third worker has read it."""
    log, rnd, source = CompactedLog(), random.Random(1), [("s", event(1)), ("s", event(2)), ("s", event(3))]
    first = Worker(log, source, 0, rnd)
    first.take(1)
    first.flush()
    first.take(1)
    growth = first.ledger.changes()
    second = Worker(log, source, 2, rnd)
    second.take(1)
    first.write(growth)
    third = Worker(log, source[:2], 1, rnd)
    second.flush()
    second.flush()  # buries the first one's record, which it had read before that held the second event
    assert third.take(1) == [Added.DUPLICATE]
    third.flush()
    log.compact(len(log.records), drop_tombstones=True)
    assert [e.id for e in recovered(log).events("s")] == ["e1", "e2", "e3"]


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
