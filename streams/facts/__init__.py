"""Facts: what happened in an interaction, derived from its event set. One module a channel."""

from collections.abc import Iterable, Sequence

from streams.events import Event
from streams.facts.calls import CallFacts
from streams.facts.chats import ChatFacts
from streams.facts.interaction import RARE, Facts
from streams.facts.tickets import TicketFacts

__all__ = ["AnyFacts", "CallFacts", "ChatFacts", "Facts", "TicketFacts", "derive", "facts_for", "retracted"]

AnyFacts = CallFacts | ChatFacts | TicketFacts
_CHANNEL: dict[str, type[AnyFacts]] = {"calls": CallFacts, "chats": ChatFacts, "tickets": TicketFacts}
RETRACTION = "event.retracted"
_NONE: frozenset[tuple[str, str]] = frozenset()


def facts_for(events: Iterable[Event], wanted: tuple[str, ...] = RARE) -> AnyFacts | None:
    """Empty facts of the channel of the first lifecycle event; None where there is none (feedback or control alone)."""
    for event in events:
        kind = _CHANNEL.get(event.topic)
        if kind is not None:
            return kind(wanted)
    return None


def retracted(events: Iterable[Event]) -> frozenset[tuple[str, str]]:
    """(id, source) of the events that are taken back. A retraction can take back an earlier retraction, not a later one."""
    retractions = [event for event in events if event.type == RETRACTION]
    if not retractions:
        return _NONE
    gone: set[tuple[str, str]] = set()
    standing: set[tuple[str, str]] = set()
    for event in sorted(retractions, key=lambda e: (e.time, e.id), reverse=True):
        if (event.id, event.source) not in gone:
            standing.add((event.id, event.source))
            if (event.data.id, event.data.source) not in standing:
                gone.add((event.data.id, event.data.source))
    return frozenset(gone)


def derive(events: Sequence[Event], wanted: tuple[str, ...] = RARE, gone: frozenset[tuple[str, str]] | None = None) -> AnyFacts | None:
    """The facts of one interaction from its counting events, sorted by (time, id), all of them before the instant of interest.

    `wanted` names the rarely used attributes to keep (`streams.contribution.wanted`); each costs time on every event. `gone` is `retracted`
    of the events, for a caller that knows it.
    """
    if gone is None:
        gone = retracted(events)
    if gone:
        events = [e for e in events if (e.id, e.source) not in gone]
    facts = facts_for(events, wanted)
    if facts is not None:
        apply = facts.apply
        for event in events:
            apply(event)
    return facts
