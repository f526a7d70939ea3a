"""Response times: how long customers wait for a person. Source: KPI contract, "Response and service level"."""

from streams.contribution import Contribution, Item
from streams.facts import ChatFacts, TicketFacts
from streams.kpis.kpi import NO_VALUE, Figure, Kpi, Row, count, share, spread
from streams.open_items import RESPONSE

FIRST, NEXT, SPEED, BREACHES = "first_response_time", "next_response_time", "speed_of_answer", "frt_breaches"
NOT_OF_AGENTS: frozenset[str] = frozenset()


def contribute(item: Item, book: Contribution) -> None:
    """Response times at the response, breaches at the deadline, answers' waits at the answer."""
    facts = item.facts
    if item.channel == "call":
        for visit in item.visits:
            if visit.answered is not None:
                place = item.at(visit.queue, visit.agent, visit.team)
                book.value(visit.answered, SPEED, max(0, visit.answered - visit.start), place)
    elif isinstance(facts, ChatFacts | TicketFacts):
        for reply in facts.next_replies:
            book.value(reply.time, NEXT, reply.time - reply.since, item.of_reply(reply))
    start = item.clock_start
    if start is None:
        return
    response, deadline = item.response, item.response_deadline
    if response is not None:
        book.value(response[0], FIRST, max(0, response[0] - start), response[1])
    if deadline is not None and (item.waited_at(deadline) if response is None else response[0] > deadline):
        book.count(deadline, BREACHES, item.at(item.queue_at(deadline)))
    for begin, end in item.response_spans:
        if book.asks(end):
            book.span(RESPONSE, begin, end, item.at(item.queue_at(begin)), start, deadline)


def average(row: Row) -> Figure:
    """Σ time to first response ÷ responses; `per_inquiry`: (Σ + the time that the unanswered wait so far) ÷ offered."""
    dist = row.tally.dists.get(FIRST)
    total, n = (dist.sum / 1000, dist.n) if dist else (0.0, 0)
    figure: Figure = {"value": total / n, "numerator": total, "n": n} if n else dict(NO_VALUE)
    waited = row.end * row.open.response_n - row.open.response_since
    figure["variants"] = {"per_inquiry": share(total + waited / 1000, row.tally["offered"]) if row.gauges else None}
    return figure


KPIS = (
    Kpi(FIRST, "seconds", "distribution", "First human response minus clock start, booked at the response.", spread(FIRST)),
    Kpi(
        NEXT,
        "seconds",
        "distribution",
        "Oldest unanswered customer message to the next human reply, the first response excluded.",
        spread(NEXT),
    ),
    Kpi("average_response_time", "seconds", "ratio", "Mean time to first response; variant per inquiry.", average),
    Kpi(
        BREACHES,
        "count",
        "count",
        "First responses missed, each booked at the instant its target passed.",
        count(lambda row: row.tally[BREACHES]),
    ),
    Kpi(SPEED, "seconds", "distribution", "Mean wait of answered queue visits (ASA), calls.", spread(SPEED)),
)
