"""Writes stored state as this release stores it, to be kept: later releases must read it. `python -m scripts.state_fixture FOLDER`.

FOLDER has the literal `events.jsonl`; `changelog.bin` is written beside it: a MessagePack list of [key, value], the records of one
partition in the order of the log. A folder is written once, by the release that introduces its format, and never again.
"""

import sys
from pathlib import Path

import msgspec

from streams.events import decode
from streams.ledger import Ledger
from streams.ledger_records import Record, announcement, make_epoch

RETIRED = "call-retired"
RETIRED_AT_MS = 1_772_600_000_000
SUCCESSOR = ("chat-1", "call-2")
"""Subjects whose later half of events a second worker has taken, without having buried the first one's records yet."""


def changelog(lines: list[bytes]) -> list[Record]:
    """Announcements, chunks under two epochs, a tombstone, a gravestone with what it buries."""
    events = [decode(line) for line in lines]
    late = {number for subject in SUCCESSOR for number in _later_half(events, subject)}
    first, second = make_epoch(1, b"first..."), make_epoch(2, b"second..")
    records: list[Record] = [announcement(first)]
    ledger = Ledger()
    ledger.open(first)
    for number, (subject, event) in enumerate(events):
        if number not in late:
            ledger.add(subject, event)
    ledger.add(RETIRED, events[0][1])
    records += ledger.changes()
    ledger.retire([RETIRED], RETIRED_AT_MS)
    records += ledger.changes()  # the gravestone; what it buries follows in the next flush
    successor = Ledger()
    successor.restore(records)
    records.append(announcement(second))
    successor.open(second)
    for number in sorted(late):
        successor.add(*events[number])
    return records + successor.changes()


def _later_half(events: list[tuple[str, object]], subject: str) -> list[int]:
    of = [number for number, (name, _) in enumerate(events) if name == subject]
    return of[len(of) // 2 :]


def main(folder: Path) -> None:
    lines = (folder / "events.jsonl").read_bytes().splitlines()
    (folder / "changelog.bin").write_bytes(msgspec.msgpack.encode(changelog(lines)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
