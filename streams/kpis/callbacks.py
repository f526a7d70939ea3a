"""Callbacks: how long until somebody dials, and how often the customer is reached. Source: KPI contract, rule 33."""

from streams.contribution import Contribution, Item
from streams.facts import CallFacts
from streams.kpis.kpi import Kpi, ratio, spread

WAIT = "callback_wait"
DIALLED, REACHED = "callback.dialled", "callback.reached"
NOT_OF_AGENTS: frozenset[str] = frozenset()


def contribute(item: Item, book: Contribution) -> None:
    """Once a callback, at its first attempt, of whoever made that; also what only a later attempt comes to."""
    facts = item.facts
    if not isinstance(facts, CallFacts):
        return
    for callback in facts.callbacks:
        time = callback.attempted
        if time is None:
            continue
        place = item.at(item.last_queue, callback.agent, callback.team)
        book.count(time, DIALLED, place)
        if callback.reached:
            book.count(time, REACHED, place)
        if callback.requested is not None:
            book.value(time, WAIT, time - callback.requested, place)


KPIS = (
    Kpi(WAIT, "seconds", "distribution", "First attempt of a callback minus its request.", spread(WAIT)),
    Kpi("callback_reach_rate", "ratio", "ratio", "Callbacks that reached the customer ÷ callbacks dialled.",
        lambda row: ratio(row.tally[REACHED], row.tally[DIALLED])),
)  # fmt: skip
