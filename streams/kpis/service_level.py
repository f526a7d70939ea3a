"""Service level: the share of queue visits answered within T, missed ones included by default.

A = answered within T, B = missed within T, N = service-level events (answered, missed, or T expired while waiting, whichever came first).
Formulas: included A/N · ignored A/(N−B) · positive (A+B)/N · handled only A/answered. Source: KPI contract; 70 of 100 with 10 missed is
70 %, 77.8 %, 80 %. T is time of the target's calendar; who came while that was closed is outside, unless the policy's `after_hours` says
"include". A visit books one event, named after its outcome and the formula of its own target, so a segment over several targets
adds up.
"""

from streams.contribution import Contribution, Item
from streams.kpis.kpi import Figure, Kpi, Row, ratio, share

FORMULAS = ("included", "ignored", "positive", "handled_only")
WITHIN, EXPIRED, MISSED, LATE = (
    {formula: f"sl.{outcome}.{formula}" for formula in FORMULAS} for outcome in ("within", "expired", "missed", "late")
)
ABANDONED, ABANDONED_SHORT, OTHER, OTHER_SHORT = "missed.abandoned", "missed.abandoned.short", "missed.other", "missed.other.short"
MISSES = (ABANDONED, ABANDONED_SHORT, OTHER, OTHER_SHORT)
_NEVER = 1 << 61
"""Later than any event: when a target expires whose calendar never opens."""
NOT_OF_AGENTS = frozenset({*MISSES, *MISSED.values()})


def contribute(item: Item, book: Contribution) -> None:
    """One service-level event a visit, unless it began after hours, and its miss."""
    policy = item.policy
    for visit in item.visits:
        target = item.target(visit.queue)
        formula, start = target.missed, visit.start
        counted = policy.after_hours == "include" or not item.is_after_hours(visit)
        expiry = policy.after(target.calendar, start, target.within_ms)
        if expiry is None:
            expiry = _NEVER
        if visit.answered is not None:
            if not counted:
                continue
            place = item.at(visit.queue, visit.agent, visit.team)
            if visit.answered <= expiry:
                book.count(visit.answered, WITHIN[formula], place)
            else:
                left = visit.waited_until
                waiting = left is None or left > expiry
                book.count(expiry if waiting else visit.answered, EXPIRED[formula], item.at(visit.queue) if waiting else place)
                book.count(visit.answered, LATE[formula], place)
            continue
        place = item.at(visit.queue)
        missed = visit.missed
        if missed is not None and (visit.left is None or missed < visit.left):
            short = policy.elapsed(target.calendar, start, missed) < target.short_missed_ms
            abandoned = visit.outcome == "abandoned"
            book.count(missed, (ABANDONED_SHORT if short else ABANDONED) if abandoned else (OTHER_SHORT if short else OTHER), place)
            if short or not counted:
                continue
            if missed <= expiry:
                book.count(missed, MISSED[formula], place)
                continue
        elif not counted or (visit.left is not None and visit.left <= expiry):
            continue
        if expiry < _NEVER:
            book.count(expiry, EXPIRED[formula], place)


def service_level(row: Row) -> Figure:
    """The figure by each visit's own formula, and by every formula."""
    counts = row.tally
    within, expired, missed, late = ([counts[outcome[formula]] for formula in FORMULAS] for outcome in (WITHIN, EXPIRED, MISSED, LATE))
    numerator, denominator = 0, 0
    for formula, a, x, b, slow in zip(FORMULAS, within, expired, missed, late, strict=True):
        numerator += a + (b if formula == "positive" else 0)
        if formula == "handled_only":
            denominator += a + slow
        else:
            denominator += a + x + (0 if formula == "ignored" else b)
    figure = ratio(numerator, denominator)
    a, b = sum(within), sum(missed)
    n = a + b + sum(expired)
    figure["variants"] = {
        "included": share(a, n),
        "ignored": share(a, n - b),
        "positive": share(a + b, n),
        "handled_only": share(a, a + sum(late)),
    }
    return figure


def missed_rate(row: Row) -> Figure:
    """Missed ÷ offered, each at its own instant."""
    return ratio(row.tally.total(*MISSES), row.tally["offered"])


def abandon_rate(row: Row) -> Figure:
    """(Abandoned − short) ÷ (offered − short)."""
    return ratio(row.tally[ABANDONED], row.tally["offered"] - row.tally.total(ABANDONED_SHORT, OTHER_SHORT))


KPIS = (
    Kpi("service_level", "ratio", "ratio", "Share of queue visits answered within the threshold, by the policy's formula.", service_level),
    Kpi("missed_rate", "ratio", "ratio", "Missed ÷ offered.", missed_rate),
    Kpi("abandon_rate", "ratio", "ratio", "(Abandoned − short) ÷ (offered − short).", abandon_rate),
)
