"""Volume: what came in, what was answered, missed, handled, opened, resolved and reopened. Source: KPI contract, "Volume and backlog"."""

from streams.contribution import Contribution, Item, Where
from streams.facts import TicketFacts
from streams.kpis.kpi import Figure, Kpi, Row, count
from streams.kpis.service_level import MISSES

NOT_OF_AGENTS = frozenset({"offered", "offered_closed"})
_COUNTS = {
    "offered": "Queue visits begun.",
    "answered": "Queue visits answered.",
    "offered_closed": "Queue visits begun while their target's calendar was closed: outside service level unless the policy includes them.",
    "handled": "Interactions answered and ended; tickets at their first resolution if a person had replied.",
    "opened": "Tickets opened.",
    "resolved": "Steps of tickets from open to resolved.",
    "reopened": "Steps of tickets from resolved to open.",
    "merged": "Open or resolved tickets merged into another.",
    "deleted": "Tickets deleted.",
    "left_queue": "Queue visits that ended without answer or miss: re-queued, transferred, called back, or resolved, merged or deleted "
    "unanswered.",
    "auto_closed": "Interactions closed by the policy because they had been silent for so long.",
    "contradictions": "Items whose events contradict themselves, such as resolved, merged or deleted before opened.",
    "skewed": "Interactions with an answer or miss before its queue entry, by two systems' clocks.",
}
ENTERED, EXITED = "backlog.in", "backlog.out"


def contribute(item: Item, book: Contribution) -> None:
    """Visits at their queue entry and answer, contacts at their end, tickets' steps."""
    facts = item.facts
    skewed = facts.skewed > 0
    for visit in item.visits:
        place = item.at(visit.queue)
        book.count(visit.start, "offered", place)
        if item.is_after_hours(visit):
            book.count(visit.start, "offered_closed", place)
        if visit.answered is not None:
            book.count(visit.answered, "answered", item.at(visit.queue, visit.agent, visit.team))
            skewed = skewed or visit.answered < visit.start
        elif visit.left is not None and (visit.missed is None or visit.left <= visit.missed):
            book.count(visit.left, "left_queue", place)
    place = item.at(item.last_queue)
    for start, end in item.backlog:
        if end is None:
            book.count(start, ENTERED, place)
        elif end > start:
            book.count(start, ENTERED, place)
            book.count(end, EXITED, place)
    if isinstance(facts, TicketFacts):
        _ticket(item, facts, place, book)
    elif facts.first_end is not None and facts.legs:
        book.joint(facts.first_end, "handled", [(where, 0) for where, _ in item.legs], is_value=False)
    if item.auto_closed is not None:
        book.count(item.auto_closed, "auto_closed", place)
    if skewed and item.visits:
        book.count(item.visits[0].start, "skewed", place)


def _ticket(item: Item, facts: TicketFacts, place: Where, book: Contribution) -> None:
    if facts.opened is not None:
        book.count(facts.opened, "opened", place)
    for step in facts.resolved:
        book.count(step.time, "resolved", item.at(item.last_queue, step.agent, step.team))
    if facts.resolved and facts.resolved[0].replied:
        first = facts.resolved[0]
        book.count(first.time, "handled", item.at(item.last_queue, first.agent, first.team))
    for time in facts.reopened:
        book.count(time, "reopened", place)
    if facts.final_at is not None:
        book.count(facts.final_at, facts.final, place)
    if facts.contradicts:
        closed = [step.time for step in facts.resolved[:1]] + ([] if facts.final_at is None else [facts.final_at])
        book.count(min(closed), "contradictions", place)


def net_flow(row: Row) -> Figure:
    """Entries into the backlog minus exits from it, an hour."""
    hours = (row.end - row.start) / 3_600_000
    if hours <= 0:
        return {"value": None, "n": 0}
    return {"value": (row.tally[ENTERED] - row.tally[EXITED]) / hours}


def _total(name: str) -> Kpi:
    return Kpi(name, "count", "count", _COUNTS[name], count(lambda row: row.tally[name]))


KPIS = (
    _total("offered"),
    _total("answered"),
    Kpi("missed", "count", "count", "Queue visits left without an answer.", count(lambda row: row.tally.total(*MISSES))),
    *(_total(name) for name in _COUNTS if name not in ("offered", "answered")),
    Kpi("net_flow", "per_hour", "gauge", "Entries into the backlog minus exits from it, an hour.", net_flow),
)
