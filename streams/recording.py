"""A recording: all its events by interaction, and what was read."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter

from streams.events import Event, content_hash

_order = attrgetter("time", "id", "source")


@dataclass
class Input:
    """What was read: distinct events, repeats, ids with differing content, records that are no event, and events taken back."""

    events: int = 0
    duplicates: int = 0
    conflicts: int = 0
    dead_letters: int = 0
    retracted: int = 0

    def add(self, other: "Input") -> None:
        """Adds what another part of the recording has."""
        self.events += other.events
        self.duplicates += other.duplicates
        self.conflicts += other.conflicts
        self.dead_letters += other.dead_letters
        self.retracted += other.retracted


@dataclass
class Recording:
    """All events of a recording, by subject. `add` takes them in any order."""

    subjects: dict[str, list[Event]] = field(default_factory=dict)
    first: int | None = None
    last: int | None = None

    def add(self, subject: str, event: Event) -> None:
        events = self.subjects.get(subject)
        if events is None:
            self.subjects[subject] = [event]
        else:
            events.append(event)

    def span(self) -> tuple[int, int] | None:
        """The instants (ms) of the first and the last event."""
        first: int | None = None
        ends: dict[str, int] = {}
        for subject, events in self.subjects.items():
            times = [event.time for event in events if event.type != "recording.ended"]
            if times:
                ends[subject] = max(times)
                first = min(times) if first is None else min(first, *times)
        while first is not None:
            subject = max(ends, key=ends.__getitem__)
            known = distinct(list(self.subjects[subject]), 1 << 62, Input())  # of two contents of one id the later one is no event
            last = max(event.time for event in known if event.type != "recording.ended")
            if last == ends[subject]:
                return first, last
            ends[subject] = last
        return None


def distinct(events: list[Event], at: int, counts: Input) -> list[Event]:
    """The counting events before `at`, sorted by (time, id, source): each (id, source) once, the smaller (time, content) of two
    contents."""
    if len(events) > 1 or events[0].time >= at:
        for event in events:
            if event.time >= at:
                events = [event for event in events if event.time < at]
                break
        if len({event.id for event in events}) < len(events):
            events = _united(events, counts)
        events.sort(key=_order)
    counts.events += len(events)
    return events


def _united(events: Iterable[Event], counts: Input) -> list[Event]:
    kept: dict[tuple[str, str], Event] = {}
    conflicts: set[tuple[str, str]] = set()
    for event in events:
        key = (event.id, event.source)
        other = kept.get(key)
        if other is None:
            kept[key] = event
        elif other == event:
            counts.duplicates += 1
        else:
            conflicts.add(key)
            kept[key] = min(other, event, key=lambda e: (e.time, content_hash(e)))
    counts.conflicts += len(conflicts)
    return list(kept.values())
