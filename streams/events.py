"""Events: every type of the event contract, decoded from CloudEvents 1.0 (structured and binary mode) and packed for the ledger.

An event on the wire is an envelope (`id`, `source`, `type`, `time`, `subject`) around `data`. In the domain it is an `Event`: integer
milliseconds instead of a date, without the subject, since it always lives in the event set of its subject. `pack`/`unpack` is the stored
form: a version byte, then MessagePack `[[type code, time, id, source, data], …]`; the codes below are therefore never reused.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from streams.errors import FirstlineError
from streams.event_types import MAX_TEXT, TYPES, Attributes, Instant, Name
from streams.faults import EventFault, fault_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
MAX_EVENT_BYTES = 1 << 20
"""Larger records are refused before they are parsed; Kafka's own default limit is the same."""
STORED_VERSION = 1
_VERSION = bytes((STORED_VERSION,))


class Event(Struct, frozen=True, gc=False, array_like=True):
    """One event of a subject's set. `time` is in integer milliseconds since 1970 (UTC)."""

    time: int
    id: str
    source: str
    data: Any

    type: ClassVar[str] = ""
    topic: ClassVar[str] = ""


TOPICS = ("calls", "chats", "tickets", "feedback", "agents", "customers", "control")
INTERACTION_TOPICS = ("calls", "chats", "tickets", "feedback", "control")
TOPIC_OF: Mapping[str, str] = MappingProxyType({name: topic for _, name, topic, _ in TYPES})


def _required(data: type[Struct]) -> bool:
    return any(field.required for field in msgspec.structs.fields(data))


_Tagged: Any = {}
_EVENT: dict[str, Any] = {}
_DATA: dict[str, msgspec.json.Decoder[Any]] = {}
for _code, _name, _topic, _data in TYPES:
    _event = msgspec.defstruct(
        "Event_" + _name.replace(".", "_"),
        [("data", _data)],
        bases=(Event,),
        namespace={"type": _name, "topic": _topic, "__annotations__": {"type": ClassVar[str], "topic": ClassVar[str]}},
        tag_field="code",
        tag=_code,
        array_like=True,
        frozen=True,
        gc=False,
    )
    _EVENT[_name] = _event
    _kind: Any = _data if _required(_data) else _data | None
    _DATA[_name] = msgspec.json.Decoder(_kind)
    _fields: list[Any] = [("id", Name), ("source", Name), ("time", Instant), ("subject", Name)]
    _fields.append(("data", _data) if _required(_data) else ("data", _kind, None))
    _fields.append(("data_base64", None, None))  # data in another encoding than JSON is a fault, rather than no data
    _Tagged[_name] = msgspec.defstruct("Envelope_" + _name.replace(".", "_"), _fields, tag_field="type", tag=_name, frozen=True, gc=False)

_EMPTY: dict[str, Any] = {name: data() for _, name, _, data in TYPES if not _required(data)}


def _union(types: Iterable[Any]) -> Any:
    out: Any = None
    for each in types:
        out = each if out is None else out | each
    return out


_structured = msgspec.json.Decoder(_union(_Tagged.values())).decode
_unpack = msgspec.msgpack.Decoder(list[_union(_EVENT.values())]).decode  # type: ignore[misc]
_pack = msgspec.msgpack.Encoder().encode
_canonical = msgspec.json.Encoder(order="deterministic").encode
_MAKE: dict[type, tuple[Any, Any, bool]] = {
    _Tagged[name]: (_EVENT[name], _EMPTY.get(name), issubclass(data, Attributes)) for _, name, _, data in TYPES
}
"""Envelope class → event class, the data of an event without any, and whether there may be deadlines in them."""
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no event; the last for JSON nested a thousand levels deep."""


def to_ms(when: datetime) -> int:
    """Milliseconds since 1970, truncated."""
    return (when - _EPOCH) // _MS


def from_ms(ms: int) -> datetime:
    """The UTC date of an instant in milliseconds."""
    return _EPOCH + ms * _MS


def decode(raw: bytes) -> tuple[str, Event]:
    """A structured-mode CloudEvent → (subject, event). Raises `EventFault` with reason and JSON path."""
    if len(raw) > MAX_EVENT_BYTES:
        raise EventFault("too_large", "$", f"{len(raw):,} bytes; at most {MAX_EVENT_BYTES:,} are read")
    try:
        e = _structured(raw)
    except _UNREADABLE as exc:
        raise fault_of(exc, raw, TOPIC_OF) from None
    event, empty, dated = _MAKE[e.__class__]
    if dated and (data := e.data) is not None and (data.due_first_response is not None or data.due_resolution is not None):
        _check_deadlines(data)
    since = e.time - _EPOCH
    return e.subject, event(since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000, e.id, e.source, e.data or empty)


def decode_binary(headers: Mapping[str, bytes], value: bytes | None, key: bytes | None = None) -> tuple[str, Event]:
    """A binary-mode CloudEvent (attributes in `ce_*` headers, `data` in the value) → (subject, event). Raises `EventFault`."""
    if value is not None and len(value) > MAX_EVENT_BYTES:
        raise EventFault("too_large", "$", f"{len(value):,} bytes; at most {MAX_EVENT_BYTES:,} are read")
    try:
        text = {name[3:]: header.decode() for name, header in headers.items() if name.startswith("ce_")}
        if "subject" not in text and key:
            text["subject"] = key.decode()
    except UnicodeDecodeError as exc:
        raise EventFault("malformed", "$", f"a ce_ header or the key is not UTF-8: {exc.reason}") from None
    for name in ("id", "source", "type", "time", "subject"):
        if not text.get(name):
            raise EventFault("missing_field", f"$.{name}", f"add the header ce_{name}")
        if len(text[name]) > MAX_TEXT:
            raise EventFault("wrong_kind", f"$.{name}", f"longer than {MAX_TEXT:,} characters")
    kind = text["type"]
    if kind not in _DATA:
        raise EventFault("unknown_type", "$.type", f"unknown event type {kind!r}")
    try:
        when = msgspec.convert(text["time"], Instant)
    except msgspec.ValidationError as exc:
        raise EventFault("wrong_kind", "$.time", str(exc)) from None
    try:
        data = _DATA[kind].decode(value) if value else None
        if data is None and kind not in _EMPTY:
            raise EventFault("missing_field", "$.data", f"{kind} has required fields; put them into the record's value")
    except _UNREADABLE as exc:
        raise fault_of(exc, value or b"", TOPIC_OF, prefix="$.data") from None
    if isinstance(data, Attributes):
        _check_deadlines(data)
    return text["subject"], _EVENT[kind](to_ms(when), text["id"], text["source"], _EMPTY[kind] if data is None else data)


def _check_deadlines(data: Attributes) -> None:
    """Refuses a deadline that only an offset takes out of the calendar (year 0 or 10000 in UTC): it could be stored, but not read again."""
    for name in ("due_first_response", "due_resolution"):
        due: datetime | None = getattr(data, name)
        try:
            if due is not None:
                due.astimezone(UTC)
        except OverflowError:
            raise EventFault("time_out_of_range", f"$.data.{name}", "not within the years 1 to 9999 in UTC") from None


def make(kind: str, time: int, id: str, source: str = "", /, **data: Any) -> Event:
    """An event from its parts, validated; for tests, tools and the worker's own markers."""
    event: Event = _EVENT[kind](time, id, source, _DATA[kind].decode(msgspec.json.encode(data)))
    return event


def encode(subject: str, event: Event) -> bytes:
    """The structured-mode CloudEvent of an event, as `decode` reads it."""
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": event.id,
            "source": event.source,
            "type": event.type,
            "time": from_ms(event.time),
            "subject": subject,
            "datacontenttype": "application/json",
            "data": event.data,
        }
    )


def content_hash(event: Event) -> bytes:
    """Orders two events with one id and one time but different content. 16 bytes over type, time and data, independent of the wire's
    formatting and time offsets."""
    data = msgspec.to_builtins(event.data, builtin_types=(datetime,))
    told = {name: to_ms(value) if isinstance(value, datetime) else value for name, value in data.items()}
    return blake2b(_canonical((event.type, event.time, told)), digest_size=16).digest()


class StoredVersionError(FirstlineError):
    """State written by a newer version than this one; the message says what to do."""


def pack(events: Iterable[Event]) -> bytes:
    """The stored form of a chunk of events."""
    return bytes((STORED_VERSION,)) + _pack(list(events))


pack_one: Callable[[Event], bytes] = _pack
"""The packed form of one event: `value_of` makes a chunk of several, one after the other."""

_HEADS = [bytes((STORED_VERSION, 0x90 | n)) if n < 16 else bytes((STORED_VERSION, 0xDC, 0, n)) for n in range(256)]
"""Version and MessagePack's beginning of an array of so many."""


def value_of(n: int, packed: bytes) -> bytes:
    """The stored form of a chunk, from its number of events (at most 255) and these, packed, one after the other."""
    return _HEADS[n] + packed


def split(stored: bytes) -> tuple[int, bytes]:
    """The inverse of `value_of`. Raises `StoredVersionError` as `unpack` does, and ValueError for what is no chunk."""
    check_version(stored)
    if stored[1] & 0xF0 == 0x90:
        return stored[1] & 0x0F, stored[2:]
    if stored[1] == 0xDC and stored[2] == 0:
        return stored[3], stored[4:]
    raise ValueError("a chunk that does not begin as an array of at most 255 events")


def unpack(stored: bytes) -> list[Event]:
    """The events of a stored chunk. Raises `StoredVersionError` for a version that this release does not know."""
    check_version(stored)
    events: list[Event] = _unpack(memoryview(stored)[1:])
    return events


def check_version(stored: bytes) -> None:
    """Raises `StoredVersionError` for a value of a version that this release does not know."""
    if stored[:1] != _VERSION:
        raise StoredVersionError(
            f"ledger record of format {stored[0] if stored else 'unknown'}, but this release reads format {STORED_VERSION}: a newer worker "
            "wrote it. Run that release, or reset the changelog and replay the source topics."
        )
