"""The set of one subject's distinct events, and the chunks in which a changelog keeps it.

Identity is (id, source). Of two events with one identity and different content both stay in the set and the smaller (time, content
hash) counts, so that the outcome does not depend on which came first.
"""

from collections.abc import Callable, Iterable
from enum import Enum
from operator import attrgetter

from msgspec import Struct, field

from streams.events import Event, content_hash, pack, unpack
from streams.ledger_records import Record, chunk_prefix

CHUNK_EVENTS = 64
CHUNK_BYTES = 512 << 10
"""A chunk is closed early rather than grow beyond this; a single event may be larger (`events.MAX_EVENT_BYTES`)."""
MAX_EVENTS = 10_000
"""Distinct events of one interaction; further ones are refused. What recovery unites is never refused."""

_in_order: Callable[[Event], tuple[int, str, str]] = attrgetter("time", "id", "source")


class Added(Enum):
    """What became of an event."""

    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    """Known id and source, other content: both stay in the set, the smaller (time, content hash) counts."""
    RETIRED = "retired"
    """The interaction has a gravestone."""
    FULL = "full"
    """The interaction has `MAX_EVENTS` events."""


# An enumeration's members are slow to look up in the hot path.
_NEW, _DUPLICATE, _CONFLICT, _FULL = Added.NEW, Added.DUPLICATE, Added.CONFLICT, Added.FULL


class EventSet(Struct, gc=False):
    """A set that only grows, and where the changelog holds it."""

    stored: list[Event] = field(default_factory=list)
    """All events, in order of arrival: a chunk once full never changes."""
    counting: dict[tuple[str, str], Event] = field(default_factory=dict)
    """(id, source) → the event that counts."""
    under: tuple[bytes, ...] = ()
    """Key prefixes of the live records that hold it."""
    epoch: bytes = b""
    chunk: int = 0
    """The last chunk written under `epoch`."""
    start: int = 0
    """Index of that chunk's first event."""

    def add(self, event: Event, limit: int = MAX_EVENTS) -> Added:
        """Adds an event; NEW, DUPLICATE, CONFLICT, or FULL beyond `limit`."""
        identity = (event.id, event.source)
        held = self.counting.get(identity)
        if held is None:
            if len(self.stored) >= limit:
                return _FULL
            self.counting[identity] = event
            self.stored.append(event)
            return _NEW
        if held == event or event in self.stored:
            return _DUPLICATE
        if len(self.stored) >= limit:
            return _FULL
        self.stored.append(event)
        self.counting[identity] = min(held, event, key=_precedence)
        return _CONFLICT

    def in_order(self) -> list[Event]:
        """The events that count, by (time, id, source)."""
        return sorted(self.counting.values(), key=_in_order)

    def write(self, epoch: bytes, subject: bytes, records: list[Record]) -> Iterable[bytes]:
        """Appends the chunks that changed, all of them if the epoch is new to this set; returns the keys that may be buried after that."""
        old: tuple[bytes, ...] = ()
        if self.epoch != epoch:
            old, self.under = self.under, ()
            self.epoch, self.chunk, self.start = epoch, 0, 0
        while True:
            count, packed = _fitting(self.stored[self.start : self.start + CHUNK_EVENTS])
            prefix = chunk_prefix(epoch, self.chunk)
            records.append((prefix + subject, packed))
            if prefix not in self.under[-1:]:
                self.under += (prefix,)
            if self.start + count >= len(self.stored):
                return [prefix + subject for prefix in old]
            self.start += count
            self.chunk += 1


def _fitting(events: list[Event]) -> tuple[int, bytes]:
    """As many of the events as make a chunk: their number and packed form. Never fewer than an earlier call with fewer events gave."""
    packed = pack(events)
    if len(packed) <= CHUNK_BYTES:
        return len(events), packed
    size = count = 0
    for event in events:
        size += len(pack((event,)))
        if size > CHUNK_BYTES and count:
            break
        count += 1
    return count, pack(events[:count])


def _precedence(event: Event) -> tuple[int, bytes]:
    # Hashed in the stored form, whose instants are UTC: a conflict must not fall otherwise after a restart.
    return event.time, content_hash(unpack(pack((event,)))[0])
