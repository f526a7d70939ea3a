"""Events on the wire and in storage. Source: the event contract; decision 2, rule 27."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import MAX_EVENT_BYTES, TOPIC_OF, StoredVersionError, content_hash, decode, decode_binary, encode, make, pack, unpack
from streams.faults import REASONS, EventFault

CONTRACT = {
    "calls": "call.started call.queued call.ringing call.answered call.missed call.held call.resumed call.transferred call.ended"
    " call.wrapped_up callback.requested callback.attempted callback.completed",
    "chats": "chat.started chat.handed_off chat.queued chat.answered chat.message chat.missed chat.ended chat.wrapped_up chat.reopened",
    "tickets": "ticket.opened ticket.message ticket.assigned ticket.status_changed ticket.priority_changed ticket.escalated"
    " ticket.resolved ticket.reopened ticket.closed ticket.merged ticket.deleted",
    "feedback": "survey.sent survey.responded review.submitted",
    "agents": "agent.state_changed agent.heartbeat",
    "customers": "lead.created lead.converted customer.acquired customer.reactivated customer.churned order.placed subscription.changed"
    " onboarding.started onboarding.completed customer.active cost.posted",
    "control": "event.retracted recording.ended",
}
TYPES = [name for names in CONTRACT.values() for name in names.split()]
REQUIRED: dict[str, dict[str, Any]] = {
    "call.transferred": {"to_queue": "support"},
    "chat.message": {"author": "customer"},
    "ticket.message": {"author": "agent"},
    "ticket.status_changed": {"status": "on_hold"},
    "ticket.merged": {"into": "t2"},
    "survey.responded": {"kind": "csat", "score": 5},
    "agent.state_changed": {"state": "wrap_up"},
    "order.placed": {"amount": 12.5, "currency": "EUR"},
    "cost.posted": {"kind": "operating", "amount": 12.5, "currency": "EUR"},
    "event.retracted": {"id": "e7", "source": "pbx"},
}
FULL: dict[str, dict[str, Any]] = {
    "call.started": {"direction": "inbound"},
    "call.missed": {"outcome": "voicemail", "visit": "v1"},
    "call.transferred": {"kind": "blind", "to_queue": "support"},
    "call.ended": {"by": "customer"},
    "callback.attempted": {"outcome": "reached"},
    "chat.message": {"author": "bot", "public": True, "automatic": False},
    "ticket.opened": {"initiator": "agent"},
    "survey.responded": {"kind": "nps", "score": 9.5, "scale": 10},
    "review.submitted": {"criteria": [{"weight": 2, "score": 1, "max": 4, "applicable": True, "critical": False}]},
    "agent.state_changed": {"state": "busy", "reason": "lunch", "team": "red", "queues": ["a", "b"], "capacity": {"chat": 3}},
    "subscription.changed": {"mrr": 99.5, "currency": "EUR"},
    "cost.posted": {
        "kind": "acquisition", "amount": 1, "currency": "EUR", "from": "2026-02-01T00:00:00+01:00", "to": "2026-03-01T00:00:00+01:00",
    },
    "recording.ended": {"at": "2026-03-02T09:00:00+01:00"},
}  # fmt: skip
ATTRIBUTES = dict.fromkeys(
    ["queue", "team", "priority", "agent", "customer", "reason", "tenant", "language", "medium", "product", "region", "customer_segment"],
    "x",
) | {"due_first_response": "2026-03-02T09:00:00+01:00", "due_resolution": "2026-03-02T12:00:00+01:00"}
TIME, TIME_MS = "2026-03-02T08:00:00.123+01:00", 1_772_434_800_123


def wire(kind: str = "call.queued", data: Any = ..., **envelope: Any) -> bytes:
    """A structured-mode event; `...` leaves a part out."""
    parts = {"specversion": "1.0", "id": "e1", "source": "pbx", "type": kind, "time": TIME, "subject": "c1", "data": data} | envelope
    return json.dumps({name: value for name, value in parts.items() if value is not ...}).encode()


def fault(raw: bytes) -> tuple[str, str]:
    with pytest.raises(EventFault) as caught:
        decode(raw)
    assert caught.value.reason in REASONS
    return caught.value.reason, caught.value.path


def headers(kind: str, **changed: str | bytes | None) -> dict[str, bytes]:
    parts = {"id": "e1", "source": "pbx", "type": kind, "time": TIME, "subject": "c1"} | changed
    return {f"ce_{name}": value if isinstance(value, bytes) else value.encode() for name, value in parts.items() if value is not None}


def binary_fault(sent: dict[str, bytes], value: bytes | None) -> tuple[str, str]:
    with pytest.raises(EventFault) as caught:
        decode_binary(sent, value)
    return caught.value.reason, caught.value.path


def test_the_types_are_those_of_the_contract_on_their_topics() -> None:
    assert {topic: " ".join(name for name, on in TOPIC_OF.items() if on == topic) for topic in CONTRACT} == CONTRACT


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_is_read_in_both_modes_with_nothing_but_what_is_required(kind: str) -> None:
    data = REQUIRED.get(kind, ...)
    subject, event = decode(wire(kind, data))
    assert (subject, event.type, event.time, event.id, event.source) == ("c1", kind, TIME_MS, "e1", "pbx")
    assert event.topic == next(topic for topic, names in CONTRACT.items() if kind in names.split())
    value = None if data is ... else json.dumps(data).encode()
    assert decode_binary(headers(kind), value) == (subject, event)


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_comes_back_from_the_wire_and_from_storage_with_all_its_fields(kind: str) -> None:
    data = REQUIRED.get(kind, {}) | FULL.get(kind, {})
    if kind in [name for topic in ("calls", "chats", "tickets", "feedback") for name in CONTRACT[topic].split()]:
        data = ATTRIBUTES | data
    _, event = decode(wire(kind, data))
    told = json.loads(encode("c1", event))["data"]
    assert {name for name in data if told.get(name) is None} == set()
    assert decode(encode("c1", event)) == ("c1", event)
    [again] = unpack(pack([event]))
    assert again == event
    assert (again.type, again.topic, content_hash(again)) == (event.type, event.topic, content_hash(event))


@pytest.mark.parametrize("kind", REQUIRED)
def test_every_required_field_is_missed(kind: str) -> None:
    for name in REQUIRED[kind]:
        data = {other: value for other, value in REQUIRED[kind].items() if other != name}
        assert fault(wire(kind, data)) == ("missing_field", f"$.data.{name}")
        assert binary_fault(headers(kind), json.dumps(data).encode()) == ("missing_field", f"$.data.{name}")
    assert fault(wire(kind)) == ("missing_field", "$.data")
    assert binary_fault(headers(kind), None) == ("missing_field", "$.data")


@pytest.mark.parametrize("name", ["id", "source", "type", "time", "subject"])
def test_every_part_of_the_envelope_is_required(name: str) -> None:
    assert fault(wire(**{name: ...})) == ("missing_field", f"$.{name}")
    assert binary_fault(headers("call.queued", **{name: None}), None) == ("missing_field", f"$.{name}")


@pytest.mark.parametrize(
    ("raw", "reason", "path"),
    [
        (b"", "malformed", "$"),
        (b"{", "malformed", "$"),
        (b"no json", "malformed", "$"),
        (b"\xff\xfe{}", "malformed", "$"),
        (wire()[:-1] + b"}}", "malformed", "$"),
        (b"[1]", "wrong_kind", "$"),
        (b'"x"', "wrong_kind", "$"),
        (wire(id=5), "wrong_kind", "$.id"),
        (wire(id=""), "wrong_kind", "$.id"),
        (wire(subject=""), "wrong_kind", "$.subject"),
        (wire(time="yesterday"), "wrong_kind", "$.time"),
        (wire(time="2026-03-02T08:00:00"), "wrong_kind", "$.time"),
        (wire(time=1_772_434_800), "wrong_kind", "$.time"),
        (wire(type=5), "wrong_kind", "$.type"),
        (wire("call.qeued"), "unknown_type", "$.type"),
        (wire(data=[]), "wrong_kind", "$.data"),
        (wire(data={"queue": 5}), "wrong_kind", "$.data.queue"),
        (wire(data={"visit": 5}), "wrong_kind", "$.data.visit"),
        (wire("call.missed", {"outcome": "bored"}), "wrong_kind", "$.data.outcome"),
        (wire("chat.message", {"author": "cat"}), "wrong_kind", "$.data.author"),
        (wire("chat.message", {"author": "bot", "public": "yes"}), "wrong_kind", "$.data.public"),
        (wire("ticket.status_changed", {"status": "solved"}), "wrong_kind", "$.data.status"),
        (wire("survey.responded", {"kind": "csat", "score": "5"}), "wrong_kind", "$.data.score"),
        (wire("review.submitted", {"criteria": [{}, {"max": "4"}]}), "wrong_kind", "$.data.criteria[1].max"),
        (wire(data={"due_resolution": "2026-03-02"}), "wrong_kind", "$.data.due_resolution"),
        (wire(data={"due_resolution": "0001-01-01T00:00:00+05:00"}), "time_out_of_range", "$.data.due_resolution"),
        (wire(data={"due_first_response": "9999-12-31T23:59:59-05:00"}), "time_out_of_range", "$.data.due_first_response"),
        (b" " * (MAX_EVENT_BYTES + 1), "too_large", "$"),
    ],
)  # fmt: skip
def test_a_fault_has_a_reason_and_a_path(raw: bytes, reason: str, path: str) -> None:
    assert fault(raw) == (reason, path)


@pytest.mark.parametrize(
    ("sent", "value", "reason", "path"),
    [
        (headers("call.qeued"), None, "unknown_type", "$.type"),
        (headers("call.queued", time="yesterday"), None, "wrong_kind", "$.time"),
        (headers("call.queued", time="2026-03-02T08:00:00"), None, "wrong_kind", "$.time"),
        (headers("call.queued", id=""), None, "missing_field", "$.id"),
        (headers("call.queued", id=b"\xff"), None, "malformed", "$"),
        (headers("call.queued"), b"{", "malformed", "$.data"),
        (headers("call.queued"), b"[]", "wrong_kind", "$.data"),
        (headers("call.queued"), b'{"queue":5}', "wrong_kind", "$.data.queue"),
        (headers("call.queued"), b" " * (MAX_EVENT_BYTES + 1), "too_large", "$"),
        (headers("call.queued"), b'{"due_resolution":"0001-01-01T00:00:00+05:00"}', "time_out_of_range", "$.data.due_resolution"),
    ],
)
def test_a_fault_in_binary_mode_has_a_reason_and_a_path(sent: dict[str, bytes], value: bytes | None, reason: str, path: str) -> None:
    assert binary_fault(sent, value) == (reason, path)


@pytest.mark.parametrize("kind", ["chat.message", "call.missed"])
def test_a_fault_tells_nothing_of_the_content(kind: str) -> None:
    with pytest.raises(EventFault) as caught:
        decode(wire(kind, {"author": "+49 170 1234567", "outcome": "+49 170 1234567"}))
    assert "1234567" not in str(caught.value)


def test_in_binary_mode_the_key_stands_in_for_a_missing_subject() -> None:
    assert decode_binary(headers("call.queued", subject=None), None, b"c9")[0] == "c9"


def test_unknown_fields_are_ignored() -> None:
    assert decode(wire(data={"queue": "a", "mood": "fine"}, traceparent="00-x", dataschema="y")) == decode(wire(data={"queue": "a"}))


def test_null_and_absent_data_are_the_same() -> None:
    assert decode(wire(data=None)) == decode(wire(data={})) == decode(wire())


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-03-02T08:00:00.123+01:00", TIME_MS),
        ("2026-03-02T07:00:00.123Z", TIME_MS),
        ("2026-03-02T07:00:00.123999Z", TIME_MS),
        ("2026-03-01T23:30:00.1239-07:30", TIME_MS),
        ("2026-03-02T07:00:00Z", 1_772_434_800_000),
        ("1969-12-31T23:59:59.9999Z", -1),
    ],
)
def test_times_are_truncated_to_the_millisecond_in_both_modes(time: str, expected: int) -> None:
    assert decode(wire(time=time))[1].time == expected
    assert decode_binary(headers("call.queued", time=time), None)[1].time == expected


def test_the_content_hash_does_not_depend_on_the_order_of_fields_nor_on_offsets() -> None:
    first = decode(wire(data={"queue": "a", "agent": "ann", "due_resolution": "2026-03-02T12:00:00+01:00"}))[1]
    other = decode(wire(data={"due_resolution": "2026-03-02T11:00:00Z", "agent": "ann", "queue": "a"}, time="2026-03-02T07:00:00.123Z"))[1]
    assert first == other
    assert content_hash(first) == content_hash(other)
    assert content_hash(unpack(pack([first]))[0]) == content_hash(first)


def test_the_content_hash_tells_types_times_and_data_apart_but_not_null_from_absent() -> None:
    told = [
        make("call.queued", 1, "e"), make("call.ringing", 1, "e"), make("call.queued", 2, "e"), make("call.queued", 1, "e", queue="a"),
        make("call.queued", 1, "e", team="a"),
    ]  # fmt: skip
    assert len({content_hash(event) for event in told}) == 5
    assert content_hash(make("call.queued", 1, "e", queue=None)) == content_hash(told[0])


def test_an_unknown_stored_version_is_refused_with_a_remedy() -> None:
    stored = pack([make("call.queued", 1, "e")])
    with pytest.raises(StoredVersionError, match=r"format 2, but this release reads format 1.*replay"):
        unpack(b"\x02" + stored[1:])


@given(
    st.lists(
        st.tuples(st.integers(0, 4_000_000_000_000), st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=8), st.text(max_size=8)),
        max_size=8,
    )
)
def test_whatever_is_packed_comes_back_in_its_order(entries: list[tuple[int, str, str, str]]) -> None:
    events = [make("call.queued", time, ident, source, queue=queue) for time, ident, source, queue in entries]
    assert unpack(pack(events)) == events
