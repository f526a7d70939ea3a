"""The stored form of a ledger: keys and values of the records in its compacted changelog.

| record       | key                          | value                                                        |
| ------------ | ---------------------------- | ------------------------------------------------------------ |
| announcement | epoch                        | version byte                                                 |
| chunk        | epoch, chunk number, subject | version byte, MessagePack array of events (`events.pack`)    |
| gravestone   | epoch, `GRAVE`, subject      | version byte, MessagePack integer: instant of retirement, ms |

An epoch is 12 bytes: 4 of number (big endian), 8 random. The chunk number is 2 bytes, big endian; the subject is UTF-8. A value of
None (Kafka's tombstone) takes the record of its key away. The ledger names the partition it writes to, so the key may lead with the
epoch.
"""

from typing import NamedTuple

import msgspec

from streams.errors import FirstlineError
from streams.events import STORED_VERSION

EPOCH_BYTES = 12
GRAVE = 0xFFFF
"""The chunk number of a gravestone; chunks of events have smaller numbers."""

Record = tuple[bytes, bytes | None]
"""Key and value of a changelog record; None is a tombstone."""

_PREFIX_BYTES = EPOCH_BYTES + 2
_grave_prefix = GRAVE.to_bytes(2, "big")
_pack = msgspec.msgpack.encode


class LedgerFormatError(FirstlineError):
    """A changelog record that no ledger of this release can have written."""


class RecordKey(NamedTuple):
    """The parts of a record's key. `prefix` is everything before the subject; an announcement has no subject and `chunk` is -1."""

    epoch: bytes
    prefix: bytes
    chunk: int
    subject: str | None


def make_epoch(number: int, random: bytes) -> bytes:
    """An epoch from its number and 8 random bytes, which keep two workers apart that chose the same number."""
    if len(random) != EPOCH_BYTES - 4:
        raise ValueError(f"an epoch takes {EPOCH_BYTES - 4} random bytes, not {len(random)}")
    return number.to_bytes(4, "big") + random


def epoch_number(epoch: bytes) -> int:
    """The number of an epoch; the one opened later has the larger."""
    return int.from_bytes(epoch[:4], "big")


def chunk_prefix(epoch: bytes, chunk: int) -> bytes:
    """What stands before the subject in the key of a chunk."""
    return epoch + chunk.to_bytes(2, "big")


def announcement(epoch: bytes) -> Record:
    """The record that says a partition was opened under an epoch."""
    return epoch, bytes((STORED_VERSION,))


def gravestone(epoch: bytes, subject: str, at_ms: int) -> Record:
    """The record that says an interaction is retired."""
    return epoch + _grave_prefix + subject.encode(), bytes((STORED_VERSION,)) + _pack(at_ms)


def parse_key(key: bytes) -> RecordKey:
    """The parts of a key. Raises `LedgerFormatError`."""
    if len(key) == EPOCH_BYTES:
        return RecordKey(key, key, -1, None)
    if len(key) <= _PREFIX_BYTES:
        raise LedgerFormatError(_foreign(f"a key of {len(key)} bytes"))
    prefix = key[:_PREFIX_BYTES]
    try:
        return RecordKey(key[:EPOCH_BYTES], prefix, int.from_bytes(prefix[EPOCH_BYTES:], "big"), key[_PREFIX_BYTES:].decode())
    except UnicodeDecodeError:
        raise LedgerFormatError(_foreign("a subject that is not UTF-8")) from None


def _foreign(what: str) -> str:
    return (
        f"ledger changelog: {what}; another program writes to this topic. "
        "Give the ledger a changelog of its own, or reset it and replay the source topics."
    )
