"""The interactions agent: batches of raw records into the ledgers of the assigned partitions, partial rows of each tick out of them."""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

import structlog

from agents.intake import Outgoing, believed, count_reasons, dead_letter, forward, misplaced, read
from agents.partials import PartialRow, Reached, Wire, encode_reached, encode_row
from agents.pipeline import Pipeline
from streams.faults import EventFault
from streams.ledger import Added, Ledger
from streams.ledger_records import epoch_number
from streams.policy import Policy
from streams.view import View

_SET_BACK_MS = 10_000
"""A wall clock that was set back by more makes a view anew; one that was set back by less is waited for."""
_RESTED_A_TICK = 500
"""Closed interactions that are packed away each tick, of each partition."""
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
    view: View
    epoch: int
    latest_ms: int | None = None
    """The latest event time seen: the recording's clock."""
    all_due: bool = True
    """Whether the readers of partial rows know nothing of this epoch yet."""
    corrections: int = 0


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
        self._told = 0
        self._partitions = partitions
        self._dead_letters = dead_letters
        self._send = send
        self._pipeline = pipeline

    # -- the life of a partition

    def opened(self, partition: int, ledger: Ledger, epoch: bytes) -> None:
        """A partition is recovered: everything derived is built anew from its ledger."""
        view = View(self.policy, ledger)
        view.rebuild(ledger.subjects())
        latest = None
        if self._clock == "recording":
            latest = max((events[-1].time for events in map(ledger.events, ledger.subjects()) if events), default=None)
        self.open[partition] = OpenPartition(ledger, view, epoch_number(epoch), latest)

    def closed(self, partition: int) -> None:
        self.open.pop(partition, None)

    # -- events in

    def take(self, partition: int, ledger: Ledger, message: Any) -> Sequence[Awaitable[None]]:
        """Adds the records of a message; returns what must be sent before the message may be acknowledged."""
        part = self.open[partition]
        clock, topic, partitions = believed(self.policy.clock, self._clock), message.topic, self._partitions
        add, size, touched = ledger.add, ledger.size, part.view.touched
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
                    part.view.touch(subject, size(subject) - 1)
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

    def now(self, part: OpenPartition, wall_ms: int) -> int | None:
        """A partition's clock; None: a recording of which nothing has come yet."""
        if self._clock == "wall":
            return wall_ms
        return part.latest_ms if part.ledger.ended_at is None else part.ledger.ended_at

    def tick(
        self, tick: int, wall_ms: int, ended: Callable[[int], bool], positions: Callable[[int], tuple[int, ...]] = lambda _: ()
    ) -> Iterable[list[Wire]]:
        """Advances every open partition to a tick: the records of each one's partial rows, and last "reached" of all.

        They come together so that the rollup does not wait for some partitions of one worker after it has heard of the others.
        `ended(partition)`: whether a recording has ended there and all of it is read; `positions(partition)`: how far it is read now.
        """
        # The clock and whether that is the end are of one moment: while the rows of others are sent, the rest of a recording may come in.
        looked = [(partition, part, self.now(part, wall_ms), ended(partition)) for partition, part in self.open.items()]
        if all(now is None for _, _, now, _ in looked):
            return
        all_reached = []
        turns = min(self._told, tick - 1), tick  # a clock that was set back begins anew
        self._told = tick
        for partition, part, now, has_ended in looked:
            if self.open.get(partition) is not part:  # closed, or opened anew, while the rows of another were sent
                continue
            records: list[Wire] = []
            if now is not None:
                vanished = self._advance(part, now)
                rows = part.view.all_partials() if part.all_due else part.view.partials(None if has_ended else turns)
                part.all_due = False
                rows = chain(rows, ((segment, None) for segment in vanished))
                records = [encode_row(PartialRow(partition, part.epoch, tick, segment, packed)) for segment, packed in rows]
            reached = Reached(partition, part.epoch, tick, now or 0, len(records), self.policy.version, has_ended, positions(partition))
            all_reached.append(encode_reached(reached))
            self._rest(part)
            self._pipeline.add_corrections(part.view.corrections - part.corrections)
            part.corrections = part.view.corrections
            yield records
        yield all_reached
        self._tell()

    def _advance(self, part: OpenPartition, now: int) -> set[bytes]:
        """Moves the view on. If the clock was set back it is made anew, as of that instant: keys of segments that it has no more."""
        before = part.view.now
        if self._clock == "recording" or before is None or now >= before - _SET_BACK_MS:
            part.view.advance(now)
            return set()
        _log.warning("the clock was set back: all rows are made anew", seconds=(before - now) / 1000)
        told = part.view.segment_keys()
        part.view = View(self.policy, part.ledger)
        part.view.rebuild(part.ledger.subjects())
        part.view.advance(now)
        part.all_due, part.corrections = True, 0
        return told - part.view.segment_keys()

    def _rest(self, part: OpenPartition) -> None:
        """Packs away some of the interactions that were found closed."""
        settled, touched = part.view.settled, part.view.touched
        for subject in settled[-_RESTED_A_TICK:]:
            if subject not in touched:
                part.ledger.rest(subject)
        del settled[-_RESTED_A_TICK:]

    def _tell(self) -> None:
        parts = self.open.values()
        self._pipeline.open_interactions = sum(part.view.open_interactions for part in parts)
        self._pipeline.segments_overflowed = sum(part.view.segments_overflowed for part in parts)
        self._pipeline.segments = len({key for part in parts for key in part.view.segment_keys()})

    @property
    def touched(self) -> int:
        """How many interactions have changed since the last tick."""
        return sum(len(part.view.touched) for part in self.open.values())

    def send_all_rows(self) -> None:
        """The next tick sends every row: readers may lack some."""
        for part in self.open.values():
            part.all_due = True

    def retire(self, wall_ms: int) -> list[int]:
        """Drops what is older than the policy's retention; the partitions whose ledgers have gravestones to write."""
        if self._clock == "recording":
            return []
        changed = []
        for partition, part in self.open.items():
            subjects = part.view.retirable(wall_ms - self.policy.retention_ms)
            if subjects:
                part.ledger.retire(subjects, wall_ms)
                for subject in subjects:
                    part.view.forget(subject)
                changed.append(partition)
                _log.info("interactions retired", partition=partition, number=len(subjects))
        return changed
