"""Handling: talk time. Source: KPI contract, "Handling and people", fine print 10 and 20–24."""

from streams.contribution import Contribution, Item
from streams.facts import TicketFacts
from streams.kpis.kpi import Kpi, spread

TALK = "talk_time"
NOT_OF_AGENTS: frozenset[str] = frozenset()


def contribute(item: Item, book: Contribution) -> None:
    """Sum of the legs' ended − answered − hold, one value an interaction and segment, at the end."""
    facts = item.facts
    if not isinstance(facts, TicketFacts) and facts.first_end is not None and facts.legs:
        book.joint(facts.first_end, TALK, item.legs, is_value=True)


KPIS = (Kpi(TALK, "seconds", "distribution", "Time an agent talked, holds excluded, booked at the end.", spread(TALK)),)
