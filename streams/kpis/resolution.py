"""Resolution: how long tickets take, how often they come back, and whether every target was met. Source: KPI contract, "Resolution", fine
print 4–6, 18, 34–38."""

from streams.contribution import Contribution, Item, Where
from streams.facts import TicketFacts
from streams.kpis.kpi import Figure, Kpi, Row, distribution, ratio, spread

FULL, FIRST = "resolution_time.full", "resolution_time.first"
FULL_BUSINESS, FIRST_BUSINESS = "resolution_time.full_business", "resolution_time.first_business"
WAITED = "requester_wait_time"
SOLVES, REOPENS = "reopen_rate.solves", "reopen_rate.reopens"
MET, FAILED = "sla.met", "sla.failed"
NOT_OF_AGENTS: frozenset[str] = frozenset()


def contribute(item: Item, book: Contribution) -> None:
    """Times at the solves, the verdict at the first deadline missed or the last target met. Merged and deleted tickets leave no trace."""
    facts = item.facts
    ticket = facts if isinstance(facts, TicketFacts) else None
    if ticket is not None:
        if ticket.final:
            return
        _times(item, ticket, book)
        for step in ticket.resolved:
            book.count(step.time, SOLVES, item.at(item.last_queue, step.agent, step.team))
        for time in ticket.reopened:
            book.count(time, REOPENS, item.at(item.last_queue))
    verdict = _verdict(item, ticket)
    if verdict is not None:
        book.count(*verdict)


def _times(item: Item, ticket: TicketFacts, book: Contribution) -> None:
    if ticket.created is None or not ticket.resolved:
        return
    created, policy, calendar = ticket.created, item.policy, item.target(item.last_queue).calendar
    solves = [(ticket.resolved[0], FIRST, FIRST_BUSINESS)]
    if ticket.state == "resolved":
        last = ticket.resolved[-1]
        solves.append((last, FULL, FULL_BUSINESS))
        book.value(last.time, WAITED, ticket.waited, item.at(item.last_queue, last.agent, last.team))
    for solve, by_clock, business in solves:
        place = item.at(item.last_queue, solve.agent, solve.team)
        book.value(solve.time, by_clock, max(0, solve.time - created), place)
        book.value(solve.time, business, policy.elapsed(calendar, created, solve.time), place)


def _verdict(item: Item, ticket: TicketFacts | None) -> tuple[int, str, Where] | None:
    """When and how the verdict falls: failed at the first deadline that passes unmet, met when the last target is met; None: not yet."""
    met: list[tuple[int, Where]] = []
    failed: list[int] = []
    pending = False
    deadline, response = item.response_deadline, item.response
    resolved = ticket.resolved[0].time if ticket is not None and ticket.resolved else None
    fell_away = resolved is not None and (deadline is None or resolved <= deadline) and (response is None or response[0] > resolved)
    if deadline is not None and not fell_away:
        if response is not None:
            if response[0] <= deadline:
                met.append(response)
            else:
                failed.append(deadline)
        elif item.waited_at(deadline):
            failed.append(deadline)
        elif resolved is None:
            pending = True
    if ticket is not None and (due := _resolution_deadline(item, ticket)) is not None:
        if resolved is not None and resolved <= due:
            first = ticket.resolved[0]
            met.append((resolved, item.at(item.last_queue, first.agent, first.team)))
        else:
            failed.append(due)
    if failed:
        time = min(failed)
        return time, FAILED, item.at(item.queue_at(time))
    if met and not pending:
        time, place = max(met, key=lambda each: each[0])
        return time, MET, place
    return None


def _resolution_deadline(item: Item, ticket: TicketFacts) -> int | None:
    due = item.due("due_resolution")
    if due is not None:
        return due if ticket.created is None else max(due, ticket.created)
    target = item.target(item.last_queue)
    within = target.resolution_ms
    return None if within is None or ticket.created is None else item.policy.after(target.calendar, ticket.created, within)


def resolution_time(row: Row) -> Figure:
    """The headline is *full* (the last solve, withdrawn while reopened); business time is that of the calendar of the ticket's target."""
    measures = {"first": FIRST, "full": FULL, "first_business": FIRST_BUSINESS, "full_business": FULL_BUSINESS}
    variants = {name: distribution(row.tally.dists.get(measure)) for name, measure in measures.items()}
    return {**variants["full"], "variants": variants}


KPIS = (
    Kpi("resolution_time", "seconds", "distribution",
        "Resolution minus first contact; variants first and full solve, by the clock and in business time.", resolution_time),
    Kpi("requester_wait_time", "seconds", "distribution",
        "Time until the last resolution in which the ticket was open and not pending on the requester.", spread(WAITED)),
    Kpi("reopen_rate", "ratio", "ratio", "Steps of tickets to reopened ÷ steps to resolved.",
        lambda row: ratio(row.tally[REOPENS], row.tally[SOLVES])),
    Kpi("sla_compliance", "ratio", "ratio", "Items that met every target of their policy ÷ items whose verdict has fallen.",
        lambda row: ratio(row.tally[MET], row.tally.total(MET, FAILED))),
)  # fmt: skip
