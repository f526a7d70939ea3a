"""What is open at an instant, against counting one by one."""

from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.contribution import Span
from streams.open_items import OpenItems, OpenSummary

NOWHERE = (None, None, None)
HOUR = 3_600_000
NOW = 1_000 * HOUR
INSTANTS = st.one_of(
    st.integers(NOW - 200 * HOUR, NOW),
    st.sampled_from([NOW - 168 * HOUR, NOW - 24 * HOUR, NOW - 4 * HOUR, NOW - HOUR]).flatmap(lambda t: st.integers(t - 1, t + 1)),
)
DEADLINES = st.one_of(st.none(), st.integers(NOW - HOUR, NOW + HOUR), st.sampled_from([NOW - 1, NOW, NOW + 599_999, NOW + 600_000]))
SPANS = st.lists(
    st.builds(
        lambda kind, since, deadline: Span(kind, since, None, NOWHERE, since, deadline if kind == "response" else None),
        st.sampled_from(["backlog", "waiting", "response"]),
        INSTANTS,
        DEADLINES,
    ),
    max_size=25,
)


def items_of(spans: list[Span]) -> OpenItems:
    items = OpenItems()
    for span in spans:
        items.add(span)
    return items


def by_hand(spans: list[Span]) -> dict[str, object]:
    ages = [NOW - span.since for span in spans if span.kind == "backlog"]
    waits = [span.since for span in spans if span.kind == "waiting"]
    responses = [span for span in spans if span.kind == "response"]
    deadlines = [span.deadline for span in responses if span.deadline is not None]
    bounds = [-1, HOUR, 4 * HOUR, 24 * HOUR, 168 * HOUR, 1 << 60]
    return {
        "backlog": len(ages),
        "by_age": [sum(low < age <= high for age in ages) for low, high in pairwise(bounds)],
        "ages": (len(ages), sum(ages), max(ages, default=None)),
        "waiting": len(waits),
        "waiting_since": min(waits, default=None),
        "past_target": sum(deadline < NOW for deadline in deadlines),
        "soon": sum(NOW <= deadline < NOW + 600_000 for deadline in deadlines),
        "response": (len(responses), sum(span.since for span in responses)),
    }


def told(summary: OpenSummary) -> dict[str, object]:
    ages = summary.ages(NOW)
    return {
        "backlog": summary.backlog,
        "by_age": summary.by_age,
        "ages": (ages.n, ages.sum, ages.max),
        "waiting": summary.waiting,
        "waiting_since": summary.waiting_since,
        "past_target": summary.past_target,
        "soon": summary.soon,
        "response": (summary.response_n, summary.response_since),
    }


@given(SPANS)
def test_the_summary_is_what_counting_one_by_one_gives(spans: list[Span]) -> None:
    assert told(items_of(spans).summary(NOW, 600_000)) == by_hand(spans)


@given(SPANS, SPANS, st.randoms())
def test_what_left_leaves_nothing(stay: list[Span], leave: list[Span], chance: Random) -> None:
    both = stay + leave
    chance.shuffle(both)
    items = items_of(both)
    chance.shuffle(leave)
    for span in leave:
        items.take(span)
    assert told(items.summary(NOW, 600_000)) == by_hand(stay)
    assert bool(items) == bool(stay)


@given(SPANS, SPANS)
def test_summaries_of_two_partitions_add_up(left: list[Span], right: list[Span]) -> None:
    summary = items_of(left).summary(NOW, 600_000)
    summary.merge(OpenSummary.unpacked(items_of(right).summary(NOW, 600_000).packed()))
    assert told(summary) == by_hand(left + right)


@settings(max_examples=50)
@given(st.lists(INSTANTS, min_size=1, max_size=40))
def test_percentiles_of_ages_are_within_two_per_cent(sinces: list[int]) -> None:
    items = items_of([Span("backlog", since, None, NOWHERE, since, None) for since in sinces])
    ages = sorted(NOW - since for since in sinces)
    median = ages[(len(ages) + 1) // 2 - 1]
    [found] = items.summary(NOW, 600_000).ages(NOW).percentiles(0.5)
    assert abs(found - median) <= 0.02 * median


def test_nothing_open_is_nothing() -> None:
    summary = OpenItems().summary(NOW, 600_000)
    assert (bool(OpenItems()), bool(summary), told(summary)) == (False, False, by_hand([]))
