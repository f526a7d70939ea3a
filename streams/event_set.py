"""The set of one subject's distinct events, kept as the bytes that the changelog holds of it.

Identity is (id, source). Of two events with one identity and different content both stay in the set and the smaller (time, content
hash) counts, so that the outcome does not depend on which came first. An event is packed once, when it is added: a set takes little more
than its packed events, and a chunk is written without being packed again.
"""

from collections.abc import Iterable, Sequence
from enum import Enum
from operator import attrgetter

from streams.events import Event, content_hash, pack, pack_one, split, unpack, value_of
from streams.ledger_records import EPOCH_BYTES, Record, chunk_prefix

CHUNK_EVENTS = 64
CHUNK_BYTES = 512 << 10
"""A chunk is closed early rather than grow beyond this; a single event may be larger (`events.MAX_EVENT_BYTES`)."""
MAX_EVENTS = 10_000
"""Distinct events of one interaction; further ones are refused. What recovery unites is never refused."""

_in_order = attrgetter("time", "id", "source")


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


class EventSet:
    """A set that only grows, and where the changelog holds it."""

    __slots__ = ("epoch", "full", "held", "identities", "n", "tail", "under", "written")

    def __init__(self) -> None:
        self.full: tuple[bytes, ...] = ()
        """The chunks that never change again, as they are stored."""
        self.tail = b""
        """The packed events of the last chunk, one after the other."""
        self.n = 0
        """How many they are."""
        self.held = 0
        """How many events the set has. A set only grows, so this is its version."""
        self.under: tuple[bytes, ...] = ()
        """Key prefixes of the live records that hold it."""
        self.epoch = b""
        self.written = 0
        """The last chunk written under `epoch`."""
        self.identities: dict[int, tuple[int, ...]] | None = None
        """Of a set that has full chunks: hash of an identity → the chunks that may hold it."""

    def adopt(self, prefixes: tuple[bytes, ...], values: Sequence[bytes]) -> None:
        """Takes up all chunks of an epoch, in their order, as an empty set's."""
        self.full = tuple(values[:-1])
        self.n, self.tail = split(values[-1])
        self.held = self.n + sum([split(value)[0] for value in self.full])
        self.under = prefixes
        self.epoch, self.written = prefixes[-1][:EPOCH_BYTES], len(self.full)

    def chunks(self) -> list[bytes]:
        """All chunks, as they are stored."""
        return [*self.full, value_of(self.n, self.tail)]

    def events(self) -> list[Event]:
        """All events, in the order of arrival."""
        out = [event for value in self.full for event in unpack(value)] if self.full else []
        return out + unpack(value_of(self.n, self.tail)) if self.n else out

    def add(self, event: Event, limit: int = MAX_EVENTS) -> Added:
        """Adds an event; NEW, DUPLICATE, CONFLICT, or FULL beyond `limit`."""
        identity = 0
        where: tuple[int, ...] = ()
        if self.full:
            identities = self.identities
            if identities is None:
                identities = self.identities = self._identities()
            identity = hash((event.id, event.source))
            where = identities.get(identity, ())
        elif event.id.encode() in self.tail:  # otherwise it is the id of none of the packed events
            where = (0,)
        added = self._compared(event, where) if where else _NEW
        if added is _DUPLICATE:
            return added
        if self.held >= limit:
            return _FULL
        packed = pack_one(event)
        if self.n >= CHUNK_EVENTS or (self.n and len(self.tail) + len(packed) > CHUNK_BYTES):
            self.full += (value_of(self.n, self.tail),)
            self.tail, self.n = packed, 1
        else:
            self.tail += packed
            self.n += 1
        self.held += 1
        if self.identities is not None:
            self.identities[identity] = (*where, len(self.full))
        return added

    def _identities(self) -> dict[int, tuple[int, ...]]:
        out: dict[int, tuple[int, ...]] = {}
        for chunk, value in enumerate(self.chunks()):
            for each in unpack(value):
                identity = hash((each.id, each.source))
                out[identity] = (*out.get(identity, ()), chunk)
        return out

    def _compared(self, event: Event, chunks: tuple[int, ...]) -> Added:
        held = [each for chunk in chunks for each in unpack(self.full[chunk] if chunk < len(self.full) else value_of(self.n, self.tail))]
        same = [each for each in held if each.id == event.id and each.source == event.source]
        return _NEW if not same else _DUPLICATE if event in same else _CONFLICT

    def write(self, epoch: bytes, subject: bytes, records: list[Record]) -> Iterable[bytes]:
        """Appends the chunks that changed, all of them if the epoch is new to this set; returns the keys that may be buried after that."""
        old: tuple[bytes, ...] = ()
        if self.epoch != epoch:
            old, self.under = self.under, ()
            self.epoch, self.written = epoch, 0
        last = len(self.full)
        for chunk in range(self.written, last + 1):
            prefix = chunk_prefix(epoch, chunk)
            records.append((prefix + subject, value_of(self.n, self.tail) if chunk == last else self.full[chunk]))
            if prefix not in self.under[-1:]:
                self.under += (prefix,)
        self.written = last
        return [prefix + subject for prefix in old]


def in_order(events: Sequence[Event]) -> Sequence[Event]:
    """Those of a set's events that count, by (time, id, source)."""
    if len(events) < 2:
        return events
    counting = {(event.id, event.source): event for event in events}
    if len(counting) < len(events):
        for event in events:
            held = counting[event.id, event.source]
            counting[event.id, event.source] = min(held, event, key=_precedence)
        return sorted(counting.values(), key=_in_order)
    before = events[0]
    for event in events:
        if event.time < before.time or (event.time == before.time and event is not before):
            return sorted(events, key=_in_order)
        before = event
    return events


def _precedence(event: Event) -> tuple[int, bytes]:
    # Hashed in the stored form, whose instants are UTC: a conflict must not fall otherwise after a restart.
    return event.time, content_hash(unpack(pack((event,)))[0])
