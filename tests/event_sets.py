"""Event sets in memory, for tests of the view without a ledger."""

from collections.abc import Iterable

from streams.events import Event
from streams.view import View


class EventSets:
    """Subject → its events, in the order of arrival."""

    def __init__(self) -> None:
        self.sets: dict[str, list[Event]] = {}

    def stored_events(self, subject: str) -> list[Event]:
        return self.sets[subject]

    def subjects(self) -> Iterable[str]:
        return list(self.sets)

    def put(self, view: View, subject: str, event: Event) -> None:
        """Adds an event to its set, unless it is there, and tells the view."""
        events = self.sets.setdefault(subject, [])
        if event not in events:
            view.touch(subject, len(events))
            events.append(event)
