"""Events: every type of the event contract, decoded from CloudEvents 1.0 (structured and binary mode) and packed for the ledger.

An event on the wire is an envelope (`id`, `source`, `type`, `time`, `subject`) around `data`. In the domain it is an `Event`: integer milliseconds
instead of a date, without the subject, since it always lives in the event set of its subject. `pack`/`unpack` is the stored form: a version byte, then
MessagePack `[[type code, time, id, source, data], …]`; the codes below are therefore never reused.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct

from streams.errors import FirstlineError
from streams.faults import EventFault, fault_of

Instant = Annotated[datetime, Meta(tz=True)]
Name = Annotated[str, Meta(min_length=1)]
Author = Literal["customer", "agent", "bot", "system"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
MAX_EVENT_BYTES = 1 << 20
"""Larger records are refused before they are parsed; Kafka's own default limit is the same."""
STORED_VERSION = 1


class Attributes(Struct, frozen=True, gc=False, omit_defaults=True):
    """What any interaction event may say of its interaction; the latest non-null value by time counts."""

    queue: str | None = None
    team: str | None = None
    priority: str | None = None
    agent: str | None = None
    customer: str | None = None
    reason: str | None = None
    tenant: str | None = None
    language: str | None = None
    medium: str | None = None
    product: str | None = None
    region: str | None = None
    customer_segment: str | None = None
    due_first_response: Instant | None = None
    due_resolution: Instant | None = None
    visit: str | None = None


class Started(Attributes, frozen=True, gc=False):
    direction: str | None = None
    initiator: str | None = None


class Missed(Attributes, frozen=True, gc=False):
    outcome: Literal["abandoned", "timeout", "overflow", "refused", "voicemail", "closed", "error"] | None = None


class Transferred(Attributes, frozen=True, gc=False, kw_only=True):
    to_queue: str
    kind: str | None = None


class Ended(Attributes, frozen=True, gc=False):
    by: str | None = None


class Attempted(Attributes, frozen=True, gc=False):
    outcome: str | None = None


class Message(Attributes, frozen=True, gc=False, kw_only=True):
    author: Author
    public: bool | None = None
    automatic: bool | None = None


class StatusChanged(Attributes, frozen=True, gc=False, kw_only=True):
    status: Literal["new", "open", "pending", "on_hold"]


class Merged(Attributes, frozen=True, gc=False, kw_only=True):
    into: str


class SurveySent(Attributes, frozen=True, gc=False):
    kind: str | None = None


class SurveyResponded(Attributes, frozen=True, gc=False, kw_only=True):
    kind: Literal["csat", "nps", "ces", "enps", "fcr"]
    score: float
    scale: float | None = None


class Criterion(Struct, frozen=True, gc=False, omit_defaults=True):
    score: float | None = None
    max: float | None = None
    weight: float | None = None
    applicable: bool | None = None
    critical: bool | None = None


class Review(Attributes, frozen=True, gc=False):
    criteria: tuple[Criterion, ...] = ()


class AgentState(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    state: Literal["available", "busy", "wrap_up", "away", "offline"]
    reason: str | None = None
    team: str | None = None
    queues: tuple[str, ...] | None = None
    capacity: dict[str, int] | None = None


class Heartbeat(Struct, frozen=True, gc=False, omit_defaults=True):
    team: str | None = None
    queues: tuple[str, ...] | None = None


class Customer(Struct, frozen=True, gc=False, omit_defaults=True):
    product: str | None = None
    region: str | None = None
    customer_segment: str | None = None
    tenant: str | None = None


class Money(Customer, frozen=True, gc=False, kw_only=True):
    amount: float
    currency: str


class Subscription(Customer, frozen=True, gc=False):
    mrr: float | None = None
    currency: str | None = None


class Cost(Money, frozen=True, gc=False, kw_only=True, rename={"from_": "from"}):
    kind: Literal["operating", "acquisition"]
    from_: Instant | None = None
    to: Instant | None = None


class Retraction(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    id: Name
    source: Name


class RecordingEnded(Struct, frozen=True, gc=False, omit_defaults=True):
    """`at`: the final instant of the whole recording (the millisecond after its last event)."""

    at: Instant | None = None


class Event(Struct, frozen=True, gc=False, array_like=True):
    """One event of a subject's set. `time` is in integer milliseconds since 1970 (UTC)."""

    time: int
    id: str
    source: str
    data: Any

    type: ClassVar[str] = ""
    topic: ClassVar[str] = ""


_TYPES: tuple[tuple[int, str, str, type[Struct]], ...] = (
    # code, type, topic, data
    (1, "call.started", "calls", Started),
    (2, "call.queued", "calls", Attributes),
    (3, "call.ringing", "calls", Attributes),
    (4, "call.answered", "calls", Attributes),
    (5, "call.missed", "calls", Missed),
    (6, "call.held", "calls", Attributes),
    (7, "call.resumed", "calls", Attributes),
    (8, "call.transferred", "calls", Transferred),
    (9, "call.ended", "calls", Ended),
    (10, "call.wrapped_up", "calls", Attributes),
    (11, "callback.requested", "calls", Attributes),
    (12, "callback.attempted", "calls", Attempted),
    (13, "callback.completed", "calls", Attributes),
    (20, "chat.started", "chats", Started),
    (21, "chat.handed_off", "chats", Attributes),
    (22, "chat.queued", "chats", Attributes),
    (23, "chat.answered", "chats", Attributes),
    (24, "chat.message", "chats", Message),
    (25, "chat.missed", "chats", Missed),
    (26, "chat.ended", "chats", Ended),
    (27, "chat.wrapped_up", "chats", Attributes),
    (28, "chat.reopened", "chats", Attributes),
    (40, "ticket.opened", "tickets", Started),
    (41, "ticket.message", "tickets", Message),
    (42, "ticket.assigned", "tickets", Attributes),
    (43, "ticket.status_changed", "tickets", StatusChanged),
    (44, "ticket.priority_changed", "tickets", Attributes),
    (45, "ticket.escalated", "tickets", Attributes),
    (46, "ticket.resolved", "tickets", Attributes),
    (47, "ticket.reopened", "tickets", Attributes),
    (48, "ticket.closed", "tickets", Attributes),
    (49, "ticket.merged", "tickets", Merged),
    (50, "ticket.deleted", "tickets", Attributes),
    (60, "survey.sent", "feedback", SurveySent),
    (61, "survey.responded", "feedback", SurveyResponded),
    (62, "review.submitted", "feedback", Review),
    (70, "agent.state_changed", "agents", AgentState),
    (71, "agent.heartbeat", "agents", Heartbeat),
    (80, "lead.created", "customers", Customer),
    (81, "lead.converted", "customers", Customer),
    (82, "customer.acquired", "customers", Customer),
    (83, "customer.reactivated", "customers", Customer),
    (84, "customer.churned", "customers", Customer),
    (85, "order.placed", "customers", Money),
    (86, "subscription.changed", "customers", Subscription),
    (87, "onboarding.started", "customers", Customer),
    (88, "onboarding.completed", "customers", Customer),
    (89, "customer.active", "customers", Customer),
    (90, "cost.posted", "customers", Cost),
    (100, "event.retracted", "control", Retraction),
    (101, "recording.ended", "control", RecordingEnded),
)

TOPICS = ("calls", "chats", "tickets", "feedback", "agents", "customers", "control")
INTERACTION_TOPICS = ("calls", "chats", "tickets", "feedback", "control")
TOPIC_OF: Mapping[str, str] = MappingProxyType({name: topic for _, name, topic, _ in _TYPES})


def _required(data: type[Struct]) -> bool:
    return any(field.required for field in msgspec.structs.fields(data))


_Tagged: Any = {}
_EVENT: dict[str, Callable[[int, str, str, Any], Event]] = {}
_DATA: dict[str, msgspec.json.Decoder[Any]] = {}
for _code, _name, _topic, _data in _TYPES:
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
    _Tagged[_name] = msgspec.defstruct(
        "Envelope_" + _name.replace(".", "_"), _fields, tag_field="type", tag=_name, frozen=True, gc=False
    )

_EMPTY: dict[str, Any] = {name: data() for _, name, _, data in _TYPES if not _required(data)}


def _union(types: Iterable[Any]) -> Any:
    out: Any = None
    for each in types:
        out = each if out is None else out | each
    return out


_structured = msgspec.json.Decoder(_union(_Tagged.values())).decode
_unpack = msgspec.msgpack.Decoder(list[_union(_EVENT.values())]).decode  # type: ignore[misc]
_pack = msgspec.msgpack.Encoder().encode
_canonical = msgspec.json.Encoder(order="deterministic").encode
_TYPE_OF_CLASS: dict[type, str] = {envelope: name for name, envelope in _Tagged.items()}


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
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise fault_of(exc, raw, TOPIC_OF) from None
    name = _TYPE_OF_CLASS[e.__class__]
    data = e.data
    return e.subject, _EVENT[name]((e.time - _EPOCH) // _MS, e.id, e.source, _EMPTY[name] if data is None else data)


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
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise fault_of(exc, value or b"", TOPIC_OF, prefix="$.data") from None
    return text["subject"], _EVENT[kind](to_ms(when), text["id"], text["source"], _EMPTY[kind] if data is None else data)


def make(kind: str, time: int, id: str, source: str = "", /, **data: Any) -> Event:
    """An event from its parts, validated; for tests, tools and the worker's own markers."""
    return _EVENT[kind](time, id, source, _DATA[kind].decode(msgspec.json.encode(data)))


def encode(subject: str, event: Event) -> bytes:
    """The structured-mode CloudEvent of an event, as `decode` reads it."""
    return msgspec.json.encode(
        {"specversion": "1.0", "id": event.id, "source": event.source, "type": event.type, "time": from_ms(event.time), "subject": subject,
         "datacontenttype": "application/json", "data": event.data}
    )


def content_hash(event: Event) -> bytes:
    """Orders two events with one id and one time but different content. 16 bytes over type, time and data, independent of the wire's formatting."""
    return blake2b(_canonical((event.type, event.time, event.data)), digest_size=16).digest()


class StoredVersionError(FirstlineError):
    """State written by a newer version than this one."""


def pack(events: Iterable[Event]) -> bytes:
    """The stored form of a chunk of events."""
    return bytes((STORED_VERSION,)) + _pack(list(events))


def unpack(stored: bytes) -> list[Event]:
    """The events of a stored chunk. Raises `StoredVersionError` for a version that this release does not know."""
    if stored[0] != STORED_VERSION:
        raise StoredVersionError(
            f"ledger record of format {stored[0]}, but this release reads format {STORED_VERSION}: a newer worker wrote it. "
            "Run that release, or reset the changelog and replay the source topics."
        )
    return _unpack(memoryview(stored)[1:])
