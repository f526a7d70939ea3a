"""The report: exact KPI rows of a recording, by the same facts, contributions and figures as the live tables.

Each interaction is derived once and adds its bookings to an `Aggregator`. Rows are exact to the millisecond, since bookings carry their own
instants.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from streams.aggregator import Aggregator
from streams.contribution import Span, contribute
from streams.events import Event
from streams.facts import AnyFacts, derive, facts_for, retracted
from streams.kpis import FAMILIES
from streams.recording import Input, Recording, distinct


def report(recording: Recording, aggregator: Aggregator, counts: Input, others: Sequence[Aggregator] = ()) -> None:
    """Adds every interaction of a recording; `counts` says what was read. `others` differ only in where their rows start: what an
    interaction contributes does not depend on that."""
    at, ends = aggregator.at, aggregator.ends
    for events in recording.subjects.values():
        known = distinct(events, at, counts)
        if not known:
            continue
        gone = retracted(known)
        if gone:
            counts.retracted += sum((event.id, event.source) in gone for event in known)
        facts = derive(known, aggregator.wanted, gone) or facts_for(known, aggregator.wanted)  # all taken back: only what was open before
        if facts is None:
            continue
        book = contribute(facts, aggregator.policy, FAMILIES, ends[0])
        if len(ends) > 1 and bisect_left(ends, known[-1].time + 1) > bisect_left(ends, known[0].time + 1):
            book.spans = spans_by_row(known, facts, book.spans, aggregator)
        aggregator.add(book)
        for other in others:
            other.add(book)


def spans_by_row(events: list[Event], final: AnyFacts, spans: list[Span], aggregator: Aggregator) -> list[Span]:
    """What is open at the ends of rows that lie between an interaction's events: the state by the events before each end, with the latest
    attributes."""
    ends, out = aggregator.ends, []
    for before, (event, following) in enumerate(pairwise(events), 1):
        since, until = event.time, following.time
        if bisect_left(ends, until + 1) == bisect_left(ends, since + 1):
            continue
        facts = derive(events[:before], aggregator.wanted)
        if facts is not None:
            facts.adopt_attributes(final)
            out += _clipped(contribute(facts, aggregator.policy, FAMILIES).spans, since, until)
    return out + _clipped(spans, events[-1].time, None)


def _clipped(spans: list[Span], since: int, until: int | None) -> list[Span]:
    """The parts of spans that hold for row ends after `since`, up to `until`."""
    out = []
    for span in spans:
        start = max(span.start, since)
        end = span.end if until is None or (span.end is not None and span.end < until) else until
        if end is None or end > start:
            out.append(span._replace(start=start, end=end))
    return out
