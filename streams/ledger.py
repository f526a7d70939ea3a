"""The ledger of one partition: per subject the set of its distinct events, and the changelog records that keep it.

A set is a join: adding an event twice, late or in another order gives the same set, so replays, duplicates and rebalances need no
bookkeeping. The rules for the changelog are the seven of the design; here they come down to
 - one epoch an opening, one flush in flight: `changes` may be called again only after what it returned was acknowledged;
 - a record is always a whole chunk of at most 64 events under the own epoch; only the last chunk of an interaction is ever rewritten;
 - what lies under another epoch is buried only if it was read by `restore`, and only in a flush after the union that contains it was
   acknowledged;
 - every flush ends with a live record: a log that ends with a tombstone can lose its end to compaction, and recovery waits for it;
 - a gravestone wins over any set of any epoch.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

from streams.cold import ColdStore
from streams.event_set import Added, EventSet, in_order
from streams.events import Event, check_version, make, to_ms, unpack
from streams.ledger_records import EPOCH_BYTES, GRAVE, Record, announcement, chunk_prefix, epoch_number, gravestone, parse_key

__all__ = ["Added", "Ledger"]

_RECORDING_ENDED = type(make("recording.ended", 0, "-", "-"))
_END = b"\x95\x65"
"""How a packed `recording.ended` begins; the same bytes may stand elsewhere."""
_NEW, _CONFLICT, _DUPLICATE = Added.NEW, Added.CONFLICT, Added.DUPLICATE


class Ledger:
    """One partition's interactions. `restore` reads a changelog, `open` takes up what was read; only then may it be used."""

    def __init__(self) -> None:
        self.epoch: bytes | None = None
        self.events_held = 0
        self.ended_at: int | None = None
        """The final instant of a recording whose end was seen, in ms; the latest if there are several."""
        self._interactions: dict[str, EventSet | bytes] = {}
        self._cold = ColdStore()
        self._markers: set[str] = set()  # subjects that hold a recording's end
        self._dirty: dict[str, None] = {}  # a dict for its order: the same input gives the same records
        self._graves: set[bytes] = set()
        self._retiring: dict[str, tuple[int, tuple[bytes, ...]]] = {}  # subject → instant, prefixes to bury after its gravestone
        self._bury: dict[bytes, None] = {}  # keys that the next flush may bury
        self._epochs: dict[bytes, None] = {}  # epochs with an announcement in the changelog
        self._loading: dict[str, dict[bytes, bytes]] = {}  # subject → key prefix → packed chunk, between `restore` and `open`
        self._highest = 0

    def __len__(self) -> int:
        return len(self._interactions)

    def __contains__(self, subject: str) -> bool:
        return subject in self._interactions

    # -- reading

    def subjects(self) -> Iterator[str]:
        """The subjects of all interactions; not those that only mark the end of a recording."""
        for subject in self._interactions:
            if subject not in self._markers or any(e.__class__ is not _RECORDING_ENDED for e in self.stored_events(subject)):
                yield subject

    def events(self, subject: str) -> Sequence[Event]:
        """The events that count, by (time, id, source); empty for an unknown subject."""
        return in_order(self.stored_events(subject))

    def stored_events(self, subject: str) -> list[Event]:
        """The whole set, also the events that lost a conflict, in the order of arrival; empty for an unknown subject."""
        it = self._interactions.get(subject)
        if it is None:
            return []
        return (it if isinstance(it, EventSet) else self._cold.thaw(it)).events()

    def size(self, subject: str) -> int:
        """Number of distinct events of an interaction. A set only grows, so this is its version."""
        it = self._interactions.get(subject)
        if it is None:
            return 0
        return it.held if isinstance(it, EventSet) else self._cold.held(it)

    def rest(self, subject: str) -> None:
        """Says that nothing more is expected of an interaction, so that it may be held in less space."""
        it = self._interactions.get(subject)
        if isinstance(it, EventSet) and subject not in self._dirty and it.under:
            frozen = self._cold.freeze(it)
            if frozen is not None:
                self._interactions[subject] = frozen

    def _warm(self, subject: str) -> EventSet | None:
        """The set of a subject, to be changed."""
        it = self._interactions.get(subject)
        if it is None or isinstance(it, EventSet):
            return it
        warm = self._interactions[subject] = self._cold.thaw(it)
        return warm

    @property
    def pending(self) -> bool:
        """Whether the next flush has something to write."""
        return bool(self._dirty or self._bury or self._retiring)

    @property
    def unwritten(self) -> bool:
        """Whether memory holds what the changelog may not."""
        return bool(self._dirty or self._retiring)

    # -- changing

    def add(self, subject: str, event: Event) -> Added:
        """Adds an event to its interaction."""
        it = self._interactions.get(subject)
        if it is None:
            if self._graves and _digest(subject) in self._graves:
                return Added.RETIRED
            it = self._interactions[subject] = EventSet()
        elif not isinstance(it, EventSet):
            it = self._interactions[subject] = self._cold.thaw(it)
        added = it.add(event)
        if added is _NEW or added is _CONFLICT:
            self.events_held += 1
            self._dirty[subject] = None
            if event.__class__ is _RECORDING_ENDED:
                self._mark_end(subject, event)
        elif it.epoch != self.epoch:
            # Known only from records of other epochs, which a sleeper that had read less of them may still bury: before the message that
            # brought the event is acknowledged, the event must stand in a record of this epoch.
            self._dirty[subject] = None
        return added

    def retire(self, subjects: Iterable[str], at_ms: int) -> None:
        """Drops interactions and leaves their gravestones; `at_ms` is the instant of retirement."""
        for subject in subjects:
            it = self._drop(subject)
            if it is not None:
                self._graves.add(_digest(subject))
                self._retiring[subject] = at_ms, it.under

    def _drop(self, subject: str) -> EventSet | None:
        it = self._warm(subject)
        if it is not None:
            del self._interactions[subject]
            self.events_held -= it.held
            self._dirty.pop(subject, None)
        return it

    def _mark_end(self, subject: str, event: Event) -> None:
        self._markers.add(subject)
        at = event.time if event.data.at is None else to_ms(event.data.at)
        self.ended_at = at if self.ended_at is None else max(self.ended_at, at)

    # -- recovery

    def restore(self, records: Iterable[Record]) -> None:
        """Reads changelog records in the order of the log, all of it or on from what is held; `open` unites them with that.

        Raises `LedgerFormatError` and `StoredVersionError`.
        """
        for raw_key, value in records:
            key = parse_key(raw_key)
            if value is not None:
                check_version(value)
                self._highest = max(self._highest, epoch_number(key.epoch))
            if key.subject is None:
                if value is None:
                    self._epochs.pop(key.epoch, None)
                else:
                    self._epochs[key.epoch] = None
            elif key.chunk == GRAVE:
                if value is not None:
                    self._restore_grave(key.subject)
            elif value is None:
                self._restore_tombstone(raw_key, key.subject, key.prefix)
            elif self._graves and _digest(key.subject) in self._graves:
                self._bury[raw_key] = None  # a set that a worker wrote which had slept through the retirement
            elif key.subject in self._interactions:
                self._unite(key.subject, key.prefix, value)
            else:
                self._loading.setdefault(key.subject, {})[key.prefix] = value

    def _restore_grave(self, subject: str) -> None:
        self._graves.add(_digest(subject))
        prefixes: Iterable[bytes] = self._loading.pop(subject, ())
        it = self._drop(subject)
        if it is not None:
            prefixes = it.under
        self._bury.update((prefix + subject.encode(), None) for prefix in prefixes)

    def _restore_tombstone(self, raw_key: bytes, subject: str, prefix: bytes) -> None:
        self._bury.pop(raw_key, None)
        if subject in self._loading:
            self._loading[subject].pop(prefix, None)
        it = self._warm(subject)
        if it is not None:
            it.under = tuple([p for p in it.under if p != prefix])
            # Whoever buried it had read it, but perhaps before its last version. An event of that version would be known here, so that its
            # replay changes nothing and is committed, and yet stand in no live record. So what is held is written again.
            self._dirty[subject] = None

    def _load(self) -> None:
        """Takes up what `restore` has read of interactions unknown before: live records only, for the reason above."""
        shared: dict[tuple[bytes, ...], tuple[bytes, ...]] = {}
        for subject, chunks in self._loading.items():
            if not chunks:
                continue
            it = self._interactions[subject] = EventSet()
            prefixes = tuple(chunks)
            if _one_epoch(prefixes):
                it.adopt(shared.setdefault(prefixes, prefixes), tuple(chunks.values()))
                self.events_held += it.held
                for value in chunks.values():
                    if _END in value:
                        self._find_ends(subject, unpack(value))
            else:
                for prefix, value in chunks.items():
                    self._unite(subject, prefix, value)
        self._loading = {}

    def _unite(self, subject: str, prefix: bytes, value: bytes) -> None:
        it = self._warm(subject)
        assert it is not None, "united only with what is there"
        if prefix not in it.under:
            it.under += (prefix,)
        for event in unpack(value):
            if it.add(event, 1 << 62) is not _DUPLICATE:
                self.events_held += 1
                self._find_ends(subject, (event,))

    def _find_ends(self, subject: str, events: Iterable[Event]) -> None:
        for event in events:
            if event.__class__ is _RECORDING_ENDED:
                self._mark_end(subject, event)

    # -- epochs and flushes

    @property
    def next_epoch_number(self) -> int:
        """One more than the highest seen."""
        return self._highest + 1

    def open(self, epoch: bytes) -> None:
        """Begins an epoch whose announcement is acknowledged.

        What sleepers left under several epochs is marked, so that the next flush unites it.
        """
        self._load()
        self._highest = max(self._highest, epoch_number(epoch))
        self._bury.update((other, None) for other in self._epochs if other != epoch)
        self._epochs = {epoch: None}
        for subject, it in self._interactions.items():
            under = it.under if isinstance(it, EventSet) else self._cold.under(it)
            if len(under) > 1 and len({prefix[: len(epoch)] for prefix in under}) > 1:
                self._dirty[subject] = None
        self.epoch = epoch

    def close(self) -> None:
        """Ends the epoch; the sets stay and more may be restored."""
        self.epoch = None

    def changes(self) -> list[Record]:
        """The records of the next flush, empty if nothing changed. Call it again only after these were acknowledged."""
        epoch = self.epoch
        if epoch is None:
            raise RuntimeError("this partition is not open: announce an epoch and call open first")
        records: list[Record] = [(key, None) for key in self._bury]
        self._bury = {}
        for subject, (at_ms, under) in self._retiring.items():
            records.append(gravestone(epoch, subject, at_ms))
            self._bury.update((prefix + subject.encode(), None) for prefix in under)
        self._retiring = {}
        for subject in self._dirty:
            it = self._warm(subject)
            if it is not None:
                old = it.write(epoch, subject.encode(), records)
                if old:
                    self._bury.update([(key, None) for key in old])
        self._dirty = {}
        if records and records[-1][1] is None:
            records.append(announcement(epoch))
        return records


def _one_epoch(prefixes: Sequence[bytes]) -> bool:
    """Whether they are all the chunks of one epoch, in their order."""
    epoch = prefixes[0][:EPOCH_BYTES]
    return all(prefix == chunk_prefix(epoch, chunk) for chunk, prefix in enumerate(prefixes))


def _digest(subject: str) -> bytes:
    return blake2b(subject.encode(), digest_size=16).digest()
