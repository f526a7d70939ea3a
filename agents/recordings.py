"""Recordings: files of CloudEvents as JSON lines, read into a `Recording` or one record after another. Bad lines stop nothing."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from agents.bad_lines import BadLines
from agents.recording_files import Advance, Damage, Lines, Piece, check, read
from streams.calendar_time import rfc3339
from streams.events import MAX_EVENT_BYTES, Event, decode
from streams.faults import EventFault
from streams.policy import Clock
from streams.recording import Recording


class Record(NamedTuple):
    """One event with the line it came from. `file` is the index of its file, `line` counts from 1."""

    file: int
    line: int
    raw: bytes
    subject: str
    event: Event


@contextmanager
def without_gc() -> Iterator[None]:
    """Holds the garbage collector off. Events hold no cycles, but millions of new objects make it look for some again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class Reader:
    """Reads files of a recording, in the order given. Times outside of `clock` are faults, as they are live."""

    def __init__(self, paths: Sequence[Path], clock: Clock, bad: BadLines, advance: Advance = lambda _: None) -> None:
        """Raises `RecordingError` for a path that cannot be read. `advance` is told bytes as they are read from disk."""
        check(paths)
        self._paths = paths
        self._clock = clock
        self._bad = bad
        self.advance = advance

    def load(self) -> Recording:
        """All events, by subject. Raises `RecordingError`."""
        recording = Recording()
        subjects = recording.subjects
        known = subjects.get
        good = decode
        earliest, latest = self._clock.earliest_ms, self._clock.latest_ms
        for path in self._paths:
            for item in read(path, self.advance):
                if not isinstance(item, Lines):
                    for _, subject, event in self._odd(path, item):
                        recording.add(subject, event)
                    continue
                # The hot loop of `report`: every call and every name in it costs a few percent of the whole.
                for number, line in enumerate(item.lines, item.first):
                    try:
                        subject, event = good(line)
                    except EventFault as fault:
                        self.reject(path, number, line, fault)
                        continue
                    if earliest <= event.time < latest:
                        events = known(subject)
                        if events is None:
                            subjects[subject] = [event]
                        else:
                            events.append(event)
                    else:
                        self.reject(path, number, line, self._absurd(event))
        return recording

    def records(self) -> Iterator[Record]:
        """One record after another, in the order of the files: memory does not grow with the recording. Raises `RecordingError`."""
        for file, path in enumerate(self._paths):
            for item in read(path, self.advance):
                if not isinstance(item, Lines):
                    yield from (Record(file, item.line, raw, subject, event) for raw, subject, event in self._odd(path, item))
                    continue
                for number, line in enumerate(item.lines, item.first):
                    try:
                        subject, event = self._good(line)
                    except EventFault as fault:
                        self.reject(path, number, line, fault)
                        continue
                    yield Record(file, number, line, subject, event)

    def reject(self, path: Path, number: int, line: bytes, fault: EventFault) -> None:
        """Takes note of a bad line, unless it is blank, and keeps it."""
        if line.strip():
            self._bad.note(path, number, fault)
            self._bad.keep(line)

    def _odd(self, path: Path, item: Piece | Damage) -> Iterator[tuple[bytes, str, Event]]:
        """Takes note of a line that is too long, or of the end of a damaged file, of which the last line may still be an event."""
        if isinstance(item, Piece):
            if item.first:
                self._bad.note(path, item.line, EventFault("too_large", "$", f"the line is longer than {MAX_EVENT_BYTES:,} bytes"))
            self._bad.keep(item.data, newline=item.last)
            return
        fault = EventFault("malformed", "$", f"{item.reason}, and what should follow is missing")
        self._bad.note(path, item.line, fault, "fetch the file again")
        try:
            yield (item.rest, *self._good(item.rest))
        except EventFault:
            if item.rest:
                self._bad.keep(item.rest)

    def _good(self, line: bytes) -> tuple[str, Event]:
        """Raises `EventFault`."""
        subject, event = decode(line)
        if not self._clock.earliest_ms <= event.time < self._clock.latest_ms:
            raise self._absurd(event)
        return subject, event

    def _absurd(self, event: Event) -> EventFault:
        earliest, latest = _shown(self._clock.earliest_ms), _shown(self._clock.latest_ms)
        return EventFault("time_out_of_range", "$.time", f"{_shown(event.time)} is not from {earliest} up to {latest}")


def _shown(ms: int) -> str:
    try:
        return rfc3339(ms)
    except (ValueError, OverflowError):  # in the year 0 or 10000, but for its offset
        return f"{ms} ms from 1970"
