"""Handling: talk, hold, after-contact work, transfers. Source: KPI contract, "Handling and people", fine print 10 and 20–26."""

from streams.contribution import Contribution, Item
from streams.facts import TicketFacts
from streams.kpis.kpi import Kpi, ratio, spread

TALK, HOLD, WRAP = "talk_time", "hold_time", "wrap_time"
CALLS, HELD, TRANSFERRED = "handled.calls", "handled.held", "handled.transferred"
NOT_OF_AGENTS: frozenset[str] = frozenset()


def contribute(item: Item, book: Contribution) -> None:
    """What an interaction's legs come to, one value or count an interaction and segment, at the end."""
    facts = item.facts
    end = facts.first_end
    if isinstance(facts, TicketFacts) or end is None or not facts.legs:
        return
    legs = item.legs
    book.joint(end, TALK, [(where, leg.talk) for where, leg in legs], is_value=True)
    wrapped = [(where, leg.wrap) for where, leg in legs if leg.wrap is not None]
    if wrapped:
        book.joint(end, WRAP, wrapped, is_value=True)
    if item.channel == "call":
        book.joint(end, CALLS, [(where, 0) for where, _ in legs], is_value=False)
        held = [(where, leg.hold) for where, leg in legs if leg.held]
        if held:
            book.joint(end, HOLD, held, is_value=True)
            book.joint(end, HELD, held, is_value=False)
        transferred = [(where, 0) for where, leg in legs if leg.transferred]
        if transferred:
            book.joint(end, TRANSFERRED, transferred, is_value=False)


KPIS = (
    Kpi(TALK, "seconds", "distribution", "Time an agent talked, holds excluded, booked at the end.", spread(TALK)),
    Kpi(HOLD, "seconds", "distribution", "Time on hold of the calls that were held, booked at the end.", spread(HOLD)),
    Kpi(WRAP, "seconds", "distribution", "After-contact work, where there was some, booked at the end of the contact.", spread(WRAP)),
    Kpi("hold_rate", "ratio", "ratio", "Handled calls that were held ÷ handled calls.",
        lambda row: ratio(row.tally[HELD], row.tally[CALLS])),
    Kpi("transfer_rate", "ratio", "ratio", "Handled calls that somebody who had answered transferred ÷ handled calls.",
        lambda row: ratio(row.tally[TRANSFERRED], row.tally[CALLS])),
)  # fmt: skip
