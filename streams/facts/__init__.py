"""Facts: what happened in an interaction, derived from its event set. One module a channel."""

from collections.abc import Iterable, Sequence

from streams.events import Event
from streams.facts.calls import CallFacts
from streams.facts.chats import ChatFacts
from streams.facts.interaction import RARE, Facts
from streams.facts.tickets import TicketFacts

__all__ = ["AnyFacts", "CallFacts", "ChatFacts", "Facts", "TicketFacts", "derive", "facts_for", "retracted"]

AnyFacts = CallFacts | ChatFacts | TicketFacts
_CHANNEL: dict[str, type[AnyFacts]] = {"call": CallFacts, "callback": CallFacts, "chat": ChatFacts, "ticket": TicketFacts}
RETRACTION = "event.retracted"


def facts_for(events: Iterable[Event], wanted: tuple[str, ...] = RARE) -> AnyFacts | None:
    """Empty facts of the channel of the first lifecycle event; None where there is none (feedback or control alone)."""
    for event in events:
        kind = _CHANNEL.get(event.type.partition(".")[0])
        if kind is not None:
            return kind(wanted)
    return None


def retracted(events: Iterable[Event]) -> frozenset[tuple[str, str]]:
    """(id, source) of the events that are taken back. A retraction can take back an earlier retraction, not a later one."""
    gone: set[tuple[str, str]] = set()
    standing: set[tuple[str, str]] = set()
    for event in sorted((e for e in events if e.type == RETRACTION), key=lambda e: (e.time, e.id), reverse=True):
        if (event.id, event.source) not in gone:
            standing.add((event.id, event.source))
            if (event.data.id, event.data.source) not in standing:
                gone.add((event.data.id, event.data.source))
    return frozenset(gone)


def derive(events: Sequence[Event], wanted: tuple[str, ...] = RARE) -> AnyFacts | None:
    """The facts of one interaction from its counting events, sorted by (time, id), all of them before the instant of interest.

    `wanted` names the rarely used attributes to keep (`streams.contribution.wanted`); each costs time on every event.
    """
    gone = None
    for event in events:
        if event.type == RETRACTION:
            gone = retracted(events)
            break
    if gone:
        events = [e for e in events if (e.id, e.source) not in gone]
    facts = facts_for(events, wanted)
    if facts is not None:
        for event in events:
            facts.apply(event)
    return facts
