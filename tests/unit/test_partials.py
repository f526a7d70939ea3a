"""The records of the partials topic."""

import msgspec
import pytest

from agents.partials import Held, PartialRow, Reached, decode, encode_reached, encode_row


@pytest.mark.parametrize("packed", [b"row", None])
def test_a_row_comes_back_also_when_the_segment_has_become_empty(packed: bytes | None) -> None:
    row = PartialRow(lead=3, epoch=2**31, tick=3_590_689_653, segment=b"segment", packed=packed)
    key, value, headers = encode_row(row)
    assert value == packed  # a real tombstone: compaction takes the row away
    assert decode(key, value, headers) == row


def test_rows_of_one_segment_and_partition_share_a_key_over_epochs_and_ticks() -> None:
    keys = {encode_row(PartialRow(partition, epoch, tick, b"s", b""))[0] for partition in (0, 1) for epoch in (1, 2) for tick in (5, 6)}
    assert len(keys) == 2


def test_what_was_reached_comes_back() -> None:
    held = (Held(1, 2, (5, -1)), Held(3, 9))
    reached = Reached(lead=1, epoch=2, tick=7, now_ms=1_700_000_000_000, rows=12, policy="2026-11", ended=True, held=held)
    assert decode(*encode_reached(reached)) == reached


def test_what_a_newer_release_adds_is_not_read() -> None:
    key, told = encode_reached(Reached(1, 2, 7, 8, 9, "p", False, ()))[0], [2, 7, 8, 9, "p", False, [[1, 2, [4], "new"]], "new"]
    assert decode(key, msgspec.msgpack.encode(told), []) == Reached(1, 2, 7, 8, 9, "p", False, (Held(1, 2, (4,)),))


FOREIGN = [(b"", b""), (b"\xff", b"x"), (b"\x91\x01", None), (b"\x91\x01", b"\x91\x01"), (b"text", b"text")]


@pytest.mark.parametrize(("key", "value"), FOREIGN)
def test_a_foreign_record_is_none(key: bytes, value: bytes | None) -> None:
    assert decode(key, value, []) is None
    assert decode(key, value, [("place", b"?")]) is None
