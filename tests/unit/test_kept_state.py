"""State of the versions before is read by this one: records that were written once and are kept, and what they hold, as literal JSON."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.event_types import TYPES
from streams.events import StoredVersionError, encode, make
from streams.ledger import Added, Ledger
from streams.ledger_records import GRAVE, Record, make_epoch, parse_key

VERSION_1 = Path(__file__).parents[1] / "fixtures" / "state-v1"


def kept() -> list[Record]:
    return [(key, value) for key, value in msgspec.msgpack.decode((VERSION_1 / "changelog.bin").read_bytes())]


def literal() -> dict[str, list[Any]]:
    """Of each subject its events, as they were written down by hand."""
    out: dict[str, list[Any]] = defaultdict(list)
    for line in (VERSION_1 / "events.jsonl").read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        out[event["subject"]].append(event)
    return out


def by_id(events: list[Any]) -> list[Any]:
    return sorted(events, key=lambda event: (event["id"], json.dumps(event, sort_keys=True)))


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger()
    ledger.restore(kept())
    ledger.open(make_epoch(ledger.next_epoch_number, b"today..."))
    return ledger


def test_the_records_are_of_every_kind() -> None:
    keys = [(parse_key(key), value) for key, value in kept()]
    assert [key.epoch for key, value in keys if key.subject is None and value is not None][:2] == [b"\0\0\0\1first...", b"\0\0\0\2second.."]
    assert {key.epoch[:4] for key, _ in keys if key.subject == "call-2"} == {b"\0\0\0\1", b"\0\0\0\2"}
    assert {key.chunk for key, _ in keys if key.subject == "chat-long"} == {0, 1}
    assert {key.chunk == GRAVE for key, _ in keys if key.subject == "call-retired"} == {True, False}
    assert any(value is None for _, value in keys)
    assert {value[0] for _, value in keys if value is not None} == {1}


def test_every_event_comes_back_as_it_was_written(ledger: Ledger) -> None:
    expected = literal()
    assert {line["type"] for events in expected.values() for line in events} == {name for _, name, _, _ in TYPES}
    for subject, events in expected.items():
        found = [json.loads(encode(subject, event)) for event in ledger.stored_events(subject)]
        assert by_id(found) == by_id(events), subject
    assert sum(map(len, expected.values())) == ledger.events_held == 124
    assert ledger.ended_at == 1_772_625_600_000


def test_what_was_retired_stays_retired_and_what_was_two_is_one(ledger: Ledger) -> None:
    assert "call-retired" not in ledger
    assert ledger.add("call-retired", make("call.ended", 1_772_449_200_000, "late", "pbx")) is Added.RETIRED
    assert ledger.epoch == b"\0\0\0\3today..."
    (known,) = [event for event in ledger.events("call-2") if event.id == "a"]
    assert ledger.add("call-2", known) is Added.DUPLICATE


@pytest.mark.parametrize("what", ["announcement", "chunk", "gravestone"])
def test_any_record_of_a_newer_version_is_refused_with_the_remedy(what: str) -> None:
    kind = {
        "announcement": lambda key: key.subject is None,
        "chunk": lambda key: key.chunk == 0,
        "gravestone": lambda key: key.chunk == GRAVE,
    }
    key, value = next((key, value) for key, value in kept() if value is not None and kind[what](parse_key(key)))
    assert value is not None
    with pytest.raises(
        StoredVersionError, match=r"format 2, but this release reads format 1: a newer worker wrote it. Run that release, or"
    ):
        Ledger().restore([(key, b"\2" + value[1:])])
    with pytest.raises(StoredVersionError, match="format unknown"):
        Ledger().restore([(key, b"")])
