"""A compacted log, a worker and a source in memory: what the ledger meets on Kafka, without Kafka."""

import random
from collections.abc import Sequence

from streams.events import Event, make, pack
from streams.ledger import Added, Ledger
from streams.ledger_records import Record, announcement, make_epoch

Source = Sequence[tuple[str, Event]]


def event(n: int, time: int = 0, source: str = "pbx", queue: str = "sales") -> Event:
    return make("call.queued", time or n, f"e{n}", source, queue=queue)


class CompactedLog:
    """One changelog partition. `compact` does what Kafka's cleaner may do to a prefix, and never touches the last record."""

    def __init__(self) -> None:
        self.records: list[tuple[int, bytes, bytes | None]] = []
        self.end = 0

    def append(self, record: Record) -> None:
        self.records.append((self.end, *record))
        self.end += 1

    def read(self, start: int = 0) -> list[Record]:
        return [(key, value) for offset, key, value in self.records if offset >= start]

    def compact(self, length: int, drop_tombstones: bool) -> None:
        prefix = self.records[: min(length, len(self.records) - 1)]
        last = {key: offset for offset, key, _ in prefix}
        kept = [r for r in prefix if last[r[1]] == r[0] and not (drop_tombstones and r[2] is None)]
        self.records = kept + self.records[len(prefix) :]


class Worker:
    """Reads the changelog, opens an epoch, takes batches of the source, flushes, commits."""

    def __init__(self, log: CompactedLog, source: Source, committed: int, rnd: random.Random) -> None:
        self.log, self.source, self.position, self.rnd = log, source, committed, rnd
        self.ledger = Ledger()
        self.read = 0  # everything in the changelog below this offset is in memory
        self.reopen()

    def reopen(self) -> None:
        self.ledger.close()
        self.ledger.restore(self.log.read(self.read))
        self.read = self.log.end
        epoch = make_epoch(self.ledger.next_epoch_number, self.rnd.randbytes(8))
        self.write([announcement(epoch)])
        self.ledger.open(epoch)

    def write(self, records: Sequence[Record]) -> None:
        for record in records:
            if self.log.end == self.read:  # nobody else wrote in between
                self.read += 1
            self.log.append(record)

    def take(self, n: int) -> list[Added]:
        out = [self.ledger.add(subject, event) for subject, event in self.source[self.position : self.position + n]]
        self.position = min(self.position + n, len(self.source))
        return out

    def flush(self, limit: int | None = None) -> bool:
        """Writes the next flush; with `limit` only its first records, as a crash would. Whether it was written whole."""
        changes = self.ledger.changes()
        self.write(changes[:limit])
        return limit is None or limit >= len(changes)

    def settle(self) -> None:
        while self.ledger.pending:
            self.flush()


def sets(ledger: Ledger, subjects: Sequence[str]) -> dict[str, set[bytes]]:
    """Each subject's set, in a form that can be compared."""
    return {subject: {pack((e,)) for e in ledger.stored_events(subject)} for subject in subjects}


def expected(source: Source) -> dict[str, set[bytes]]:
    out: dict[str, set[bytes]] = {}
    for subject, event in source:
        out.setdefault(subject, set()).add(pack((event,)))
    return out


def recovered(log: CompactedLog) -> Ledger:
    ledger = Ledger()
    ledger.restore(log.read())
    ledger.open(make_epoch(ledger.next_epoch_number, b"observer"))
    return ledger


def some_events(rnd: random.Random, subjects: int, n: int) -> list[tuple[str, Event]]:
    """n distinct events with conflicts, a tenth of them twice, shuffled."""
    out: list[tuple[str, Event]] = []
    for i in range(n):
        subject = f"s{rnd.randrange(subjects)}"
        if out and rnd.random() < 0.1:
            subject, other = rnd.choice(out)
            time, queue = other.time + rnd.randrange(2), f"other{rnd.randrange(3)}"
            out.append((subject, make("call.queued", time, other.id, other.source, queue=queue)))
        else:
            kind = rnd.choice(("call.queued", "call.answered", "call.ended"))
            out.append((subject, make(kind, rnd.randrange(1000), f"e{i}", "pbx", queue=rnd.choice(("a", "b")))))
    out += rnd.sample(out, n // 10)
    rnd.shuffle(out)
    return out
