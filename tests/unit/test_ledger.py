"""The ledger of one partition: event sets in chunks, and what it writes."""

import pytest

from streams.event_set import CHUNK_BYTES, MAX_EVENTS
from streams.events import Event, make
from streams.ledger import Added, Ledger
from streams.ledger_records import LedgerFormatError, announcement, epoch_number, gravestone, make_epoch, parse_key
from tests.unit.ledger_simulation import event

EPOCH = make_epoch(1, b"12345678")


def opened(epoch: bytes = EPOCH) -> Ledger:
    ledger = Ledger()
    ledger.open(epoch)
    return ledger


def review(n: int, size: int) -> Event:
    """An event of about so many bytes."""
    return make("review.submitted", n, f"e{n}", "qa", criteria=[{"score": 1.5, "max": 2.5}] * (size // 29))


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
        ledger.add("s", review(n, 200_000))
    ledger.changes()
    ledger.add("s", review(11, 900_000))
    ledger.add("s", event(12))
    log = ledger.changes()
    assert [parse_key(key).chunk for key, _ in log] == [4, 5, 6]
    assert [len(value or b"") > CHUNK_BYTES for _, value in log] == [False, True, False]


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
