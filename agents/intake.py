"""From raw records to events: decoding, the bounds of time, the right partition. What is no good event becomes a dead letter, untouched."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from streams.events import INTERACTION_TOPICS, Event, decode, decode_binary, to_ms
from streams.faults import EventFault
from streams.partitioning import partition_of
from streams.policy import Clock

Headers = Sequence[tuple[str, bytes]]
_BINARY = ("ce_id", "ce_type", "ce_source")
"""Any of these headers shows that the event's attributes are in the headers."""
MAX_DEAD_LETTER_BYTES = 3 << 20
"""Of a record that is repeated as a dead letter; its topic takes 4 MiB, with the headers on top."""


class Outgoing(NamedTuple):
    """A record to send. Without `partition` the key chooses; without `timestamp_ms` it is the time of sending."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    partition: int | None = None
    timestamp_ms: int | None = None


def believed(clock: Clock, kind: Literal["wall", "recording"]) -> Clock:
    """The bounds of event times. The records of a replay say when it was sent, so a recording may lie in their future."""
    return clock if kind == "wall" else Clock(clock.earliest_ms, clock.latest_ms, 1 << 62)


def decoded(record: Any) -> tuple[str, Event]:
    """The subject and event of a record, structured or binary mode, whatever its time. Raises `EventFault`."""
    headers = record.headers
    if headers and any(name in _BINARY for name, _ in headers):
        return decode_binary({name: value for name, value in headers if value is not None}, record.value, record.key)
    if record.value is None:
        raise EventFault("malformed", "$", "the record has no value")
    return decode(record.value)


def read(record: Any, clock: Clock) -> tuple[str, Event]:
    """The subject and event of a record within the bounds of the policy's clock. Raises `EventFault`."""
    subject, event = decoded(record)
    time = event.time
    if not clock.earliest_ms <= time < clock.latest_ms:
        raise EventFault("time_out_of_range", "$.time", "outside the policy's clock.earliest and clock.latest")
    if time > record.timestamp + clock.future_ms:
        raise EventFault("time_out_of_range", "$.time", "further ahead of the record's timestamp than the policy's clock.future")
    if event.topic not in INTERACTION_TOPICS:
        raise EventFault("unknown_type", "$.type", f"{event.type} belongs on the topic {event.topic}")
    if event.type == "recording.ended" and event.data.at is not None and not clock.earliest_ms <= to_ms(event.data.at) < clock.latest_ms:
        raise EventFault("time_out_of_range", "$.data.at", "outside the policy's clock.earliest and clock.latest")
    return subject, event


def dead_letter(topic: str, source: str, partition: int, record: Any, fault: EventFault) -> Outgoing:
    """The original record, untouched, with where it came from and what is wrong in headers; these carry no content of the event.

    A record that the topic would not take is told of without its content, which is where the headers say.
    """
    about = {
        "firstline_topic": source,
        "firstline_partition": str(partition),
        "firstline_offset": str(record.offset),
        "firstline_reason": fault.reason,
        "firstline_path": fault.path,
    }
    size = len(record.key or b"") + len(record.value or b"") + sum(len(name) + len(value or b"") for name, value in record.headers)
    if size > MAX_DEAD_LETTER_BYTES:
        about["firstline_left_out_bytes"] = str(size)
        return Outgoing(topic, None, b"", [(name, value.encode()) for name, value in about.items()], timestamp_ms=record.timestamp)
    headers = [*record.headers, *((name, value.encode()) for name, value in about.items())]
    value = b"" if record.key is None and record.value is None else record.value  # aiokafka sends no record without both
    return Outgoing(topic, record.key, value, headers, timestamp_ms=record.timestamp)


def misplaced(subject: str, partition: int, partitions: int) -> int | None:
    """The partition where the subject's other events are, if it is not this one."""
    right = partition_of(subject.encode(), partitions)
    return None if right == partition else right


def forward(topic: str, partition: int, subject: str, record: Any) -> Outgoing:
    """The record again, for the partition its subject belongs to."""
    return Outgoing(topic, record.key or subject.encode(), record.value, tuple(record.headers), partition, record.timestamp)


def count_reasons(faults: Iterable[EventFault]) -> dict[str, int]:
    out: dict[str, int] = {}
    for fault in faults:
        out[fault.reason] = out.get(fault.reason, 0) + 1
    return out
