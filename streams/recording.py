"""A recording: all its events by interaction, and what was read."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from streams.events import Event, content_hash

_time = attrgetter("time")
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
        firsts: dict[str, int] = {}
        lasts: dict[str, int] = {}
        for subject, events in self.subjects.items():
            times = [*map(_time, events)]
            firsts[subject], lasts[subject] = min(times), max(times)
        first, last = self._extreme(min, firsts), self._extreme(max, lasts)
        return None if first is None or last is None else (first, last)

    def _extreme(self, of: Any, found: dict[str, int]) -> int | None:
        """The `min` or `max` of each subject's. Whose decides is looked at again, without what is no event: an end marker, or of two
        contents of one id the later one."""
        while found:
            subject = of(found, key=found.__getitem__)
            times = [event.time for event in distinct(list(self.subjects[subject]), 1 << 62, Input()) if event.type != "recording.ended"]
            if not times:
                del found[subject]
            elif of(times) == found[subject]:
                return found[subject]
            else:
                found[subject] = of(times)
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
