"""The interactions agent: batches of raw records into the ledgers of the assigned partitions, partial rows of each tick out of them."""

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Literal

import structlog

from agents.intake import Outgoing, believed, count_reasons, dead_letter, forward, misplaced, read
from agents.partials import Held, PartialRow, Reached, Wire, encode_reached, encode_row
from agents.pipeline import Pipeline
from streams.faults import EventFault
from streams.ledger import Added, Ledger
from streams.ledger_records import epoch_number
from streams.policy import Policy
from streams.view import Partition, View

_SET_BACK_MS = 10_000
"""A wall clock that was set back by more makes a view anew; one that was set back by less is waited for."""
_RESTED_A_TICK = 500
"""Closed interactions that are packed away each tick, for each partition."""
_ROWS_AT_ONCE = 1000
"""Rows that are made before others have their turn on the event loop."""
_log = structlog.get_logger(__name__)
_NEW, _CONFLICT, _RETIRED, _FULL = Added.NEW, Added.CONFLICT, Added.RETIRED, Added.FULL
_REFUSED = {
    _RETIRED: ("retired", "$.subject", "the interaction is older than the policy's retention and has been dropped"),
    _FULL: ("too_many_events", "$.subject", "the interaction has as many events as one may have"),
}


@dataclass(eq=False)
class OpenPartition:
    """An assigned partition between its opening and its end."""

    ledger: Ledger
    seen: Partition
    epoch: int
    latest_ms: int | None = None
    """The latest event time seen: the recording's clock."""


class Interactions:
    """All open partitions of this worker. `send` takes records out; everything else is synchronous."""

    def __init__(
        self,
        policy: Policy,
        *,
        clock: Literal["wall", "recording"],
        partitions: int,
        dead_letters: str,
        send: Callable[[Sequence[Outgoing]], Awaitable[None]],
        pipeline: Pipeline,
    ) -> None:
        self.policy = policy
        self.open: dict[int, OpenPartition] = {}
        self.conflicts = 0
        self.forwarded = 0
        self._clock = clock
        self._view: View | None = None
        """Of all open partitions; None since one was opened or closed."""
        self._all_due = True
        """Whether the readers of partial rows know nothing of this view yet."""
        self._corrections = 0
        self._told = 0
        self._partitions = partitions
        self._dead_letters = dead_letters
        self._send = send
        self._pipeline = pipeline

    # -- the life of a partition

    def opened(self, partition: int, ledger: Ledger, epoch: bytes) -> None:
        """A partition is recovered: everything derived is built anew from the ledgers."""
        latest = None
        if self._clock == "recording":
            latest = max((events[-1].time for events in map(ledger.events, ledger.subjects()) if events), default=None)
        self.open[partition] = OpenPartition(ledger, Partition(ledger), epoch_number(epoch), latest)
        self._view = None

    def closed(self, partition: int) -> None:
        self.open.pop(partition, None)
        self._view = None

    # -- events in

    def take(self, partition: int, ledger: Ledger, message: Any) -> Sequence[Awaitable[None]]:
        """Adds the records of a message; returns what must be sent before the message may be acknowledged."""
        part = self.open[partition]
        clock, topic, partitions = believed(self.policy.clock, self._clock), message.topic, self._partitions
        add, size, touched = ledger.add, ledger.size, part.seen.touched
        outgoing: list[Outgoing] = []
        faults: list[EventFault] = []
        duplicates, latest = 0, part.latest_ms or 0
        for record in message.value:
            try:
                subject, event = read(record, clock)
                if subject not in ledger and event.type != "recording.ended":  # whose marker every partition gets on purpose
                    right = misplaced(subject, partition, partitions)
                    if right is not None:
                        outgoing.append(forward(topic, right, subject, record))
                        self.forwarded += 1
                        continue
                added = add(subject, event)
                if added is _NEW:
                    if event.type != "recording.ended":
                        if subject not in touched:
                            touched[subject] = size(subject) - 1
                        latest = max(latest, event.time)
                elif added is _CONFLICT:
                    self.conflicts += 1
                    part.seen.touch(subject, size(subject) - 1)
                elif added is _RETIRED or added is _FULL:
                    raise EventFault(*_REFUSED[added])
                else:
                    duplicates += 1
            except EventFault as fault:
                faults.append(fault)
                outgoing.append(dead_letter(self._dead_letters, topic, partition, record, fault))
        if latest and latest != part.latest_ms and self._clock == "wall":
            self._pipeline.event_delay_seconds = max(0.0, time.time() - latest / 1000)
        part.latest_ms = latest or None
        self._count(topic, len(message.value), duplicates, faults)
        return [self._send(outgoing)] if outgoing else ()

    def _count(self, topic: str, events: int, duplicates: int, faults: Sequence[EventFault]) -> None:
        self._pipeline.add_events(topic, events)
        self._pipeline.add_duplicates(duplicates)
        for reason, number in count_reasons(faults).items():
            self._pipeline.add_dead_letters(reason, number)
            if reason == "retired":
                self._pipeline.add_late(number)

    # -- rows out

    def now(self, wall_ms: int) -> int | None:
        """The clock; None: there is no open partition, or of a recording nothing has come yet."""
        parts = self.open.values()
        if self._clock == "wall" or not parts:
            return wall_ms if parts else None
        ends = [part.ledger.ended_at for part in parts if part.ledger.ended_at is not None]
        latest = ends if len(ends) == len(parts) else [part.latest_ms for part in parts if part.latest_ms is not None]
        return max(latest, default=None)

    def evaluate(self, wall_ms: int, most: int) -> None:
        """Evaluates up to so many of the interactions that have changed, so that the next tick takes less time."""
        now = self.now(wall_ms)
        if now is not None:
            self._viewed(now).evaluate(most)

    def tick(
        self, tick: int, wall_ms: int, ended: Callable[[int], bool], positions: Callable[[int], tuple[int, ...]] = lambda _: ()
    ) -> Iterator[list[Wire]]:
        """Advances to a tick: the records of its partial rows, some at a time, and last "reached".

        `ended(partition)`: whether a recording has ended there and all of it is read; `positions(partition)`: how far it is read now.
        """
        now = self.now(wall_ms)
        if now is None:
            return
        # All is of one moment: while rows are sent, events come in that are not in them, perhaps the rest of a recording.
        has_ended = all(map(ended, self.open))
        held = tuple([Held(number, part.epoch, positions(number)) for number, part in sorted(self.open.items())])
        lead, epoch = held[0].partition, held[0].epoch
        vanished = self._advance(now)
        view = self._viewed(now)
        self._rest(view)
        self._tell(view)
        turns = min(self._told, tick - 1), tick  # a clock that was set back begins anew
        changed = view.all_partials() if self._all_due else view.partials(None if has_ended else turns)
        self._told, self._all_due = tick, False
        rows = chain(changed, ((segment, None) for segment in vanished))
        sent = 0
        while records := [encode_row(PartialRow(lead, epoch, tick, segment, packed)) for segment, packed in islice(rows, _ROWS_AT_ONCE)]:
            sent += len(records)
            yield records
            if self._view is not view:  # a partition was opened or closed while rows were sent
                return
        yield [encode_reached(Reached(lead, epoch, tick, view.now, sent, self.policy.version, has_ended, held))]

    def _viewed(self, now: int) -> View:
        if self._view is None:
            for part in self.open.values():
                part.seen = Partition(part.ledger)
            self._view = View(self.policy, {number: part.seen for number, part in self.open.items()}, now)
            self._all_due, self._corrections = True, 0
        return self._view

    def _advance(self, now: int) -> set[bytes]:
        """Moves the view on. If the clock was set back it is made anew, as of that instant: keys of segments that it has no more."""
        before = self._viewed(now)
        if self._clock == "recording" or now >= before.now - _SET_BACK_MS:
            before.advance(now)
            return set()
        _log.warning("the clock was set back: all rows are made anew", seconds=(before.now - now) / 1000)
        self._view = None
        view = self._viewed(now)
        view.advance(now)
        return before.segment_keys() - view.segment_keys()

    def _rest(self, view: View) -> None:
        """Packs away some of the interactions that were found closed."""
        settled, some = view.settled, _RESTED_A_TICK * len(self.open)
        for number, subject in settled[-some:]:
            part = self.open[number]
            if subject not in part.seen.touched:
                part.ledger.rest(subject)
        del settled[-some:]

    def _tell(self, view: View) -> None:
        self._pipeline.add_corrections(view.corrections - self._corrections)
        self._corrections = view.corrections
        self._pipeline.open_interactions = view.open_interactions
        self._pipeline.segments_overflowed = view.segments_overflowed
        self._pipeline.segments = len(view.segments.by_key)

    @property
    def touched(self) -> int:
        """How many interactions have changed since they were evaluated."""
        return sum(len(part.seen.touched) for part in self.open.values())

    def send_all_rows(self) -> None:
        """The next tick sends every row: readers may lack some."""
        self._all_due = True

    def retire(self, wall_ms: int) -> list[int]:
        """Drops what is older than the policy's retention; the partitions whose ledgers have gravestones to write."""
        if self._clock == "recording" or self._view is None:
            return []
        retirable = self._view.retirable(wall_ms - self.policy.retention_ms)
        for partition, subjects in retirable.items():
            self.open[partition].ledger.retire(subjects, wall_ms)
            _log.info("interactions retired", partition=partition, number=len(subjects))
        return list(retirable)
