"""The job as the state of one partition of `agents.batching`'s table: a plain fold over whole batches, without Kafka or Faust.

Every record of the changelog carries a stamp, the offset of the last event it takes account of; the sums of a flush stand before its
interactions, and a stamp closes it. A killed worker leaves a prefix of a flush, so the events that are read again are applied only to what
their offset is ahead of: each event counts once. A worker that wakes after its partition went to another may still overwrite newer
records; the ledger of the product rules that out, none of the peers does by default.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from bench.peers.job import BASE, PANE_MS, TARGET_MS, Call, Totals, totals
from streams.ledger_records import EPOCH_BYTES, Record, epoch_number

_END = b"offset"
_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.decode


class Fold:
    """One partition. The interactions, panes and backlog are valid for all events up to `offset`."""

    def __init__(self) -> None:
        self.offset = -1
        self.interactions: dict[str, tuple[str, int]] = {}
        """Id → queue and the instant of its entry, ms after the base."""
        self.panes: dict[tuple[str, int], list[int]] = {}
        self.backlog: dict[str, int] = {}
        self._dirty_panes: set[tuple[str, int]] = set()
        self._dirty_queues: set[str] = set()
        self._dirty: set[str] = set()
        self._fresh: set[str] = set()
        """Interactions that the changelog has never heard of: what began and ended within a flush is not written."""
        self._epochs: list[bytes] = []
        self._stamps: dict[bytes, int] = {}
        """After a recovery, key → stamp of what stands ahead of the last commit; empty as soon as that is passed."""
        self._base = -1
        self._replayed_until = -1
        self._moved = False

    # -- what the table asks for

    @property
    def next_epoch_number(self) -> int:
        return max(map(epoch_number, self._epochs), default=0) + 1

    @property
    def pending(self) -> bool:
        return self._moved

    @property
    def unwritten(self) -> bool:
        return self._moved

    def restore(self, records: Iterable[Record]) -> None:
        for key, value in records:
            if len(key) == EPOCH_BYTES and key[0] == 0:
                self._epochs.append(key)
            elif value is not None:
                self._restore(key, *_decode(value))
            elif key[:1] == b"i":
                self.interactions.pop(key[1:].decode(), None)

    def _restore(self, key: bytes, stamp: int, *values: Any) -> None:
        self._replayed_until = max(self._replayed_until, stamp)
        if key == _END or stamp <= self._base:
            return
        self._stamps[key] = stamp
        if key[:1] == b"i":
            self.interactions[key[1:].decode()] = values[0], values[1]
        elif key[:1] == b"b":
            self.backlog[key[1:].decode()] = values[0]
        else:
            queue, pane = key[1:].decode().rsplit("|", 1)
            self.panes[queue, int(pane)] = values[0]

    def open(self, epoch: bytes) -> None:
        self._epochs.append(epoch)

    def close(self) -> None:
        # Memory that is kept is as good as a record of this stamp for everything in it.
        self._base, self._replayed_until = self.offset, max(self._replayed_until, self.offset)

    def changes(self) -> list[Record]:
        stamp, out = self.offset, list[Record]()
        for pane in self._dirty_panes:
            out.append((f"p{pane[0]}|{pane[1]}".encode(), _encode((stamp, self.panes[pane]))))
        for queue in self._dirty_queues:
            out.append((b"b" + queue.encode(), _encode((stamp, self.backlog[queue]))))
        interactions, fresh = self.interactions, self._fresh
        for subject in self._dirty:
            value = interactions.get(subject)
            if value is not None:
                out.append((b"i" + subject.encode(), _encode((stamp, *value))))
            elif subject not in fresh:
                out.append((b"i" + subject.encode(), None))
        out += [(old, None) for old in self._epochs[:-1]]
        out.append((_END, _encode((stamp,))))  # a log that ends with a tombstone can lose its end to compaction
        del self._epochs[:-1]
        for dirty in (self._dirty_panes, self._dirty_queues, self._dirty, fresh):
            dirty.clear()
        self._moved = False
        return out

    # -- the job

    def take(self, calls: Sequence[Call], records: Sequence[Any]) -> None:
        """Adds a batch: its calls, and their records for the offsets."""
        if records[0].offset <= self._replayed_until:
            ahead = next((i for i, record in enumerate(records) if record.offset > self._replayed_until), len(records))
            self._again(calls[:ahead], [record.offset for record in records[:ahead]])
            calls = calls[ahead:]
            if calls:
                self._stamps, self._replayed_until = {}, -1
        self._fold(calls)
        self.offset, self._moved = records[-1].offset, True

    def _fold(self, calls: Sequence[Call]) -> None:
        """The hot loop: every name and every call in it costs a percent of the whole."""
        interactions, panes, backlog = self.interactions, self.panes, self.backlog
        dirty_panes, dirty_queues = self._dirty_panes, self._dirty_queues
        base, changed, began = BASE, self._dirty.add, self._fresh.add
        for call in calls:
            kind, subject = call.type, call.subject
            if kind == "call.ended":
                queue = interactions.pop(subject)[0]
                backlog[queue] -= 1
                dirty_queues.add(queue)
                changed(subject)
                continue
            since = call.time - base
            at = since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
            if kind == "call.queued":
                queue = call.data.queue
                interactions[subject] = queue, at
                changed(subject)
                began(subject)
                backlog[queue] = backlog.get(queue, 0) + 1
                dirty_queues.add(queue)
                key = queue, at // PANE_MS
                pane = panes.get(key)
                if pane is None:
                    pane = panes[key] = [0, 0, 0, 0, 0]
                pane[0] += 1
            else:
                queue, entered = interactions[subject]
                wait = at - entered
                key = queue, at // PANE_MS
                pane = panes.get(key)
                if pane is None:
                    pane = panes[key] = [0, 0, 0, 0, 0]
                if kind == "call.answered":
                    pane[1] += 1
                    if wait <= TARGET_MS:
                        pane[2] += 1
                else:
                    pane[3] += 1
                pane[4] += wait
            dirty_panes.add(key)

    def _again(self, calls: Sequence[Call], offsets: Sequence[int]) -> None:
        """Events that may have left their mark before the worker was killed: one at a time, each thing by its own stamp."""
        for call, offset in zip(calls, offsets, strict=True):
            known = self.interactions.get(call.subject)
            queue = call.data.queue if known is None else known[0]
            interaction = self._ahead(b"i" + call.subject.encode(), offset)
            since = call.time - BASE
            at = since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
            if call.type != "call.queued" and known is None:
                continue  # it has ended, and its end was written after the sums were
            if call.type in {"call.queued", "call.ended"} and self._ahead(b"b" + queue.encode(), offset):
                self.backlog[queue] = self.backlog.get(queue, 0) + (1 if call.type == "call.queued" else -1)
                self._dirty_queues.add(queue)
            if call.type != "call.ended" and self._ahead(f"p{queue}|{at // PANE_MS}".encode(), offset):
                pane = self.panes.setdefault((queue, at // PANE_MS), [0] * 5)
                wait = 0 if known is None else at - known[1]
                answered = call.type == "call.answered"
                added = [1, 0, 0, 0, 0] if call.type == "call.queued" else [0, answered, answered and wait <= TARGET_MS, not answered, wait]
                pane[:] = [int(a + b) for a, b in zip(pane, added, strict=True)]
                self._dirty_panes.add((queue, at // PANE_MS))
            if interaction and call.type == "call.queued":
                self.interactions[call.subject] = queue, at
                self._dirty.add(call.subject)
            elif interaction and call.type == "call.ended":
                self.interactions.pop(call.subject, None)
                self._dirty.add(call.subject)

    def _ahead(self, key: bytes, offset: int) -> bool:
        return offset > self._stamps.get(key, self._base)

    def totals(self) -> Totals:
        return totals(self.panes.items(), self.backlog)
