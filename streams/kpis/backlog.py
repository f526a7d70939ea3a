"""Backlog: what is open and waiting at the end of the row. Gauges move without an event. Source: KPI contract, "Volume and backlog"."""

from streams.contribution import Contribution, Item
from streams.facts import ChatFacts, TicketFacts
from streams.kpis.kpi import Figure, Kpi, Row, distribution
from streams.kpis.volume import ENTERED, EXITED
from streams.open_items import AGE_BOUNDS, BACKLOG, WAITING

NOT_OF_AGENTS: frozenset[str] = frozenset()


def contribute(item: Item, book: Contribution) -> None:
    """Spans in which the interaction is open, and in which it waits in a queue."""
    facts = item.facts
    spans = item.backlog
    if spans and book.asks(spans[-1][1]):
        age_from = min([start for start, _ in spans])
        if isinstance(facts, ChatFacts | TicketFacts) and facts.created is not None:
            age_from = min(age_from, facts.created)
        place = item.at(item.last_queue)
        for start, end in spans:
            book.span(BACKLOG, start, end, place, age_from)
    for visit in item.visits:
        end = visit.waited_until
        if book.asks(end):
            book.span(WAITING, visit.start, end, item.at(visit.queue), visit.start)


def backlog(row: Row) -> Figure:
    """Open now, by age: each item in the first bucket whose bound is not below its age."""
    labels = [label for label, _ in AGE_BOUNDS] + ["older"]
    return {"value": row.open.backlog, "by_age": dict(zip(labels, row.open.by_age, strict=True))}


def longest_wait(row: Row) -> Figure:
    """Age (s) of the oldest visit that waits now."""
    if row.open.waiting_since is None:
        return {"value": None, "n": 0}
    return {"value": (row.end - row.open.waiting_since) / 1000, "n": row.open.waiting}


def time_to_drain(row: Row) -> Figure:
    """Backlog ÷ (exit rate − entry rate) of the row, in seconds; a forecast, no value when it never drains."""
    figure: Figure = {"value": None, "forecast": True}
    if row.open.backlog == 0:
        figure["value"] = 0.0
    elif (net := row.tally[EXITED] - row.tally[ENTERED]) > 0:
        figure["value"] = row.open.backlog * (row.end - row.start) / net / 1000
    return figure


KPIS = (
    Kpi("backlog", "count", "gauge", "Interactions open now, by age.", backlog, windowed=False),
    Kpi("waiting", "count", "gauge", "Visits waiting now, and how many contacts wait past their response target.",
        lambda row: {"value": row.open.waiting, "past_target": row.open.past_target}, windowed=False),
    Kpi("backlog_age", "seconds", "distribution", "Age of what is open.", lambda row: distribution(row.open.ages(row.end)), windowed=False),
    Kpi("longest_wait", "seconds", "gauge", "Age of the oldest visit that waits now.", longest_wait, windowed=False),
    Kpi("breaching_soon", "count", "gauge", "Contacts whose first response falls due within the policy's horizon.",
        lambda row: {"value": row.open.soon}, windowed=False),
    Kpi("time_to_drain", "seconds", "gauge", "Forecast: when the backlog is empty at the row's rates.", time_to_drain),
)  # fmt: skip
