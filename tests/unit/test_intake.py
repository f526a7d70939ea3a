"""From records to events: what is taken, what becomes a dead letter, what belongs elsewhere."""

from types import SimpleNamespace
from typing import Any

import pytest

from agents.intake import dead_letter, forward, misplaced, read
from streams.events import encode, make
from streams.faults import EventFault
from streams.partitioning import partition_of
from streams.policy import Clock

CLOCK = Clock(earliest_ms=1000, latest_ms=1_000_000, future_ms=500)


def record(value: bytes | None, *, key: bytes | None = b"s", headers: Any = (), timestamp: int = 10_000) -> Any:
    return SimpleNamespace(key=key, value=value, headers=headers, timestamp=timestamp, offset=7)


def at(time_ms: int, kind: str = "call.queued") -> bytes:
    return encode("s", make(kind, time_ms, "e1", "pbx"))


def reason(it: Any) -> str:
    with pytest.raises(EventFault) as caught:
        read(it, CLOCK)
    return f"{caught.value.reason} {caught.value.path}"


def test_structured_and_binary_mode_give_the_same_event() -> None:
    attributes = {"ce_id": b"e1", "ce_source": b"pbx", "ce_type": b"call.queued", "ce_time": b"1970-01-01T00:00:05Z", "ce_subject": b"s"}
    binary = read(record(None, headers=tuple(attributes.items())), CLOCK)
    assert binary == read(record(at(5000)), CLOCK) == ("s", make("call.queued", 5000, "e1", "pbx"))


def test_headers_without_a_value_are_no_attributes() -> None:
    assert reason(record(None, headers=(("ce_id", b"e1"), ("ce_source", None)))) == "missing_field $.source"


def test_a_record_without_a_value_is_malformed() -> None:
    assert reason(record(None)) == "malformed $"


@pytest.mark.parametrize(("time_ms", "good"), [(999, False), (1000, True), (10_500, True), (10_501, False)])
def test_times_outside_the_policys_bounds_are_refused(time_ms: int, good: bool) -> None:
    if good:
        assert read(record(at(time_ms)), CLOCK)[1].time == time_ms
    else:
        assert reason(record(at(time_ms))) == "time_out_of_range $.time"


def test_the_latest_instant_is_refused_whatever_the_records_timestamp() -> None:
    assert reason(record(at(1_000_000), timestamp=2_000_000)) == "time_out_of_range $.time"


def test_a_recording_cannot_end_outside_the_policys_bounds() -> None:
    ends = encode("s", make("recording.ended", 5000, "e1", "pbx", at="9999-12-31T23:59:59-10:00"))
    assert reason(record(ends)) == "time_out_of_range $.data.at"


def test_a_deadline_that_could_not_be_read_back_from_the_changelog_is_refused_in_binary_mode_too() -> None:
    attributes = {"ce_id": b"e1", "ce_source": b"pbx", "ce_type": b"call.queued", "ce_time": b"1970-01-01T00:00:05Z", "ce_subject": b"s"}
    due = b'{"due_resolution":"0001-01-01T00:00:00+10:00"}'
    assert reason(record(due, headers=tuple(attributes.items()))) == "time_out_of_range $.data.due_resolution"
    assert reason(record(b'{"due":' + b"[" * 2000 + b"]" * 2000 + b"}", headers=tuple(attributes.items()))) == "malformed $.data"


def test_an_event_of_another_kind_of_subject_is_refused() -> None:
    value = encode("s", make("agent.state_changed", 5000, "e1", "pbx", state="available"))
    assert reason(record(value)) == "unknown_type $.type"


def test_a_dead_letter_is_the_original_with_the_fault_in_headers() -> None:
    original = record(b"\xff broken", headers=(("trace", b"1"),))
    letter = dead_letter("dead-letters", "calls", 3, original, EventFault("malformed", "$", "not JSON"))
    assert (letter.topic, letter.key, letter.value, letter.timestamp_ms) == ("dead-letters", b"s", b"\xff broken", 10_000)
    assert dict(letter.headers) == {
        "trace": b"1",
        "firstline_topic": b"calls",
        "firstline_partition": b"3",
        "firstline_offset": b"7",
        "firstline_reason": b"malformed",
        "firstline_path": b"$",
    }


def test_a_record_in_the_wrong_partition_is_sent_to_the_right_one() -> None:
    right = partition_of(b"s", 8)
    assert misplaced("s", right, 8) is None
    assert misplaced("s", (right + 1) % 8, 8) == right
    sent = forward("calls", right, "s", record(at(5000), key=None, headers=(("a", b"b"),)))
    assert (sent.topic, sent.partition, sent.key, sent.value, sent.headers) == ("calls", right, b"s", at(5000), (("a", b"b"),))
    assert sent.timestamp_ms == 10_000
