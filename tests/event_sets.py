"""Event sets in memory, for tests of the view without a ledger."""

from collections.abc import Iterable

from streams.events import Event
from streams.policy import Policy
from streams.view import Partition, View


class EventSets:
    """Subject → its events, in the order of arrival."""

    def __init__(self) -> None:
        self.sets: dict[str, list[Event]] = {}
        self.partition = Partition(self)

    def stored_events(self, subject: str) -> list[Event]:
        return self.sets[subject]

    def subjects(self) -> Iterable[str]:
        return list(self.sets)

    def view(self, policy: Policy) -> View:
        """A view of these alone, which evaluates them all. Its clock has still to be advanced."""
        self.partition = Partition(self)
        return View(policy, {0: self.partition}, 0)

    def put(self, subject: str, event: Event) -> None:
        """Adds an event to its set, unless it is there."""
        events = self.sets.setdefault(subject, [])
        if event not in events:
            self.partition.touch(subject, len(events))
            events.append(event)
