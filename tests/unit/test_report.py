"""The report: rows of segments and windows over whole interactions, and the balance that holds in each of them."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import policy as policies
from streams.aggregator import Aggregator
from streams.events import Event, decode, make
from streams.policy import Policy
from streams.recording import Input, Recording
from streams.report import report
from tests import weird
from tests.unit import test_view as soup
from tests.unit.kpis.centre import HOUR, START, Steps, at, by_segment, call, ms, recording_of, rows, values

Rows = list[dict[str, Any]]
DAY = 24 * HOUR


def reported(
    flow: list[tuple[str, Event]], policy: Policy, at: int, windows: list[tuple[int, int]], by: tuple[str, ...] = ()
) -> tuple[Rows, Input]:
    recording = Recording()
    for subject, event in flow:
        recording.add(subject, event)
    aggregator, counts = Aggregator(policy, at, windows, [by]), Input()
    report(recording, aggregator, counts)
    return aggregator.rows(), counts


def unbalanced(found: Rows) -> list[tuple[dict[str, Any], list[int]]]:
    """Segments in which the visits that came are not those that left or still wait."""
    out = []
    for row in found:
        offered, *rest = values(row["kpis"], "offered", "answered", "missed", "left_queue", "waiting")
        if offered != sum(rest):
            out.append((row["segment"], [offered, *rest]))
    return out


WEIRD = policies.load(weird.POLICY)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32), st.integers(1, 170_000), st.sampled_from([(), ("queue",), ("priority",), ("queue", "priority"), ("channel",)])
)
def test_whoever_entered_a_queue_was_answered_missed_left_it_or_still_waits(seed: int, until: int, by: tuple[str, ...]) -> None:
    flow = [decode(line) for line in weird.lines_of(weird.centre(seed, 12))]
    now = weird.START + until
    found, _ = reported(flow, WEIRD, now, [(weird.START - 3_600_000, now)], by)
    assert unbalanced(found) == []


@settings(max_examples=40, deadline=None)
@given(soup.centres(), st.integers(0, 4_000), st.sampled_from([(), ("queue",), ("priority",), ("queue", "priority")]))
def test_whoever_the_policy_closed_has_left_the_queue(events: dict[str, list[Event]], seconds: int, by: tuple[str, ...]) -> None:
    flow = [(subject, event) for subject, each in events.items() for event in each]
    now = soup.START + seconds * 1000
    found, _ = reported(flow, soup.POLICY, now, [(soup.START - 3_600_000, now)], by)
    assert unbalanced(found) == []


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.randoms(), st.sampled_from([(), ("queue",), ("agent",), ("tenant",), ("hour", "queue")]))
def test_the_same_set_of_events_gives_the_same_rows_whatever_order_and_repeats_it_comes_in(
    seed: int, chance: random.Random, by: tuple[str, ...]
) -> None:
    flow = [decode(line) for line in weird.lines_of(weird.centre(seed, 8))]
    now = weird.START + 90_000
    windows = [(weird.START, weird.START + 40_000), (weird.START + 40_000, weird.START + 80_000), (weird.START + 80_000, now)]
    first, counts = reported(flow, WEIRD, now, windows, by)
    again = flow + chance.choices(flow, k=5)
    chance.shuffle(again)
    other, recounted = reported(again, WEIRD, now, windows, by)
    assert json.dumps(other) == json.dumps(first)
    assert (recounted.events, recounted.conflicts, recounted.retracted) == (counts.events, counts.conflicts, counts.retracted)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["queue", "priority", "language", "channel"]))
def test_the_segments_of_a_dimension_add_up_to_the_centre(seed: int, dimension: str) -> None:
    flow = [decode(line) for line in weird.lines_of(weird.centre(seed, 8))]
    now = weird.START + 120_000
    counted = ("offered", "answered", "missed", "left_queue", "waiting", "opened", "resolved", "reopened", "frt_breaches", "backlog")
    [centre], _ = reported(flow, WEIRD, now, [(weird.START, now)])
    parts, _ = reported(flow, WEIRD, now, [(weird.START, now)], (dimension,))
    sums = [sum(column) for column in zip(*(values(row["kpis"], *counted) for row in parts), strict=True)] or [0] * len(counted)
    assert sums == values(centre["kpis"], *counted)


def test_hour_and_weekday_are_the_local_time_of_each_number_itself() -> None:
    """The beginning is a Monday, 08:00 in Berlin."""
    calls = call(HOUR - 5, HOUR + 5, ended=HOUR + 60), call(DAY + 60)
    found = rows(*calls, windows=[(0, 2 * DAY)], by=["hour", "weekday"])
    assert [(*row["segment"].values(), *values(row["kpis"], "offered", "answered", "handled")) for row in found] == [
        ("08", "mon", 1, 0, 0),
        ("08", "tue", 1, 0, 0),
        ("09", "mon", 0, 1, 1),
    ]


def test_an_hour_and_a_weekday_have_no_gauges() -> None:
    gauges = "backlog", "waiting", "longest_wait", "backlog_age", "breaching_soon", "time_to_drain", "net_flow"
    kpis = rows(call(0), windows=[(0, HOUR)], by=["hour"])[0]["kpis"]
    assert [kpis[name] for name in gauges] == [{"value": None, "n": 0}] * 7
    assert kpis["average_response_time"]["variants"] == {"per_inquiry": None}
    assert kpis["offered"] == {"value": 1}


def test_hours_follow_the_clock_change() -> None:
    """27 days later clocks go forward: 06:00 UTC is 07:00 before and 08:00 after it."""
    before, after = call(26 * DAY - HOUR), call(27 * DAY - HOUR)
    found = rows(before, after, windows=[(0, 30 * DAY)], by=["hour", "weekday"])
    assert [tuple(row["segment"].values()) for row in found] == [("07", "sat"), ("08", "sun")]


def test_a_missing_or_empty_attribute_is_a_segment_of_its_own_and_comes_first() -> None:
    calls = call(0, priority="2"), call(0), call(0, priority=""), call(0, priority="1"), call(1)
    found = rows(*calls, windows=[(0, 60)], by=["priority"])
    assert [(row["segment"]["priority"], row["kpis"]["offered"]["value"]) for row in found] == [(None, 3), ("1", 1), ("2", 1)]


@pytest.mark.parametrize(
    "dimension", ["team", "priority", "reason", "medium", "language", "tenant", "product", "region", "customer_segment", "queue"]
)
def test_every_attribute_can_make_segments(dimension: str) -> None:
    found = by_segment([at(0, "call.queued", **{dimension: "x"})], [at(0, "call.queued")], end=60, by=dimension)
    assert {value: row["offered"]["value"] for value, row in found.items()} == {None: 1, "x": 1}


def test_rows_come_by_segment_then_start() -> None:
    found = rows(call(0, queue="b"), call(70, queue="a"), windows=[(0, 60), (60, 120)], by=["queue"])
    assert [(row["segment"]["queue"], row["start"], row["end"]) for row in found] == [
        ("a", ms(0), ms(60)), ("a", ms(60), ms(120)), ("b", ms(0), ms(60)), ("b", ms(60), ms(120)),
    ]  # fmt: skip


def test_a_row_from_start_to_at_is_exact_to_the_millisecond() -> None:
    calls = call(0), call(10), call(10.001), call(20), call(20.001)
    [row] = rows(*calls, windows=[(10, 20.001)])
    assert (row["kpis"]["offered"]["value"], row["kpis"]["waiting"]["value"], row["kpis"]["longest_wait"]["value"]) == (3, 4, 20.001)


def test_events_at_or_after_the_instant_do_not_exist_yet() -> None:
    steps = [*call(0, queue="a"), at(20, "call.answered", priority="1"), at(40, "call.ended")]
    [early] = rows(steps, windows=[(0, 20)], by=["priority"])
    assert (early["segment"], values(early["kpis"], "offered", "answered", "waiting")) == ({"priority": None}, [1, 0, 1])
    [known] = rows(steps, windows=[(0, 20.001)], by=["priority"])
    assert (known["segment"], values(known["kpis"], "offered", "answered", "waiting")) == ({"priority": "1"}, [1, 1, 0])


def test_a_row_of_the_past_is_as_known_at_the_instant_of_the_report() -> None:
    missed = [*call(0, missed=10), at(50, "call.answered")]
    windows = [(0.0, 30.0), (30.0, 60.0)]
    assert [values(row["kpis"], "missed", "answered") for row in rows(missed, windows=windows, until=50)] == [[1, 0], [0, 0]]
    assert [values(row["kpis"], "missed", "answered") for row in rows(missed, windows=windows, until=60)] == [[0, 0], [0, 1]]


def test_the_last_row_ends_at_the_instant() -> None:
    found = rows(call(0), windows=[(0, 60), (60, 120)], until=90)
    assert [(row["start"], row["end"], row["kpis"]["longest_wait"]["value"]) for row in found] == [
        (ms(0), ms(60), 60.0),
        (ms(60), ms(90), 90.0),
    ]


def test_what_was_read_is_counted() -> None:
    queued, again = make("call.queued", START, "1", "pbx"), make("call.queued", START, "1", "pbx")
    changed, other_source = make("call.queued", START + 5, "1", "pbx"), make("call.ringing", START + 1, "1", "acd")
    answered, taken_back = (
        make("call.answered", START + 9, "2", "pbx"),
        make("event.retracted", START + 50, "3", "pbx", id="2", source="pbx"),
    )
    flow = [("c1", event) for event in (queued, again, changed, other_source, answered, taken_back)]
    [row], counts = reported(flow, policies.load(""), START + 60_000, [(START, START + 60_000)])
    assert (counts.events, counts.duplicates, counts.conflicts, counts.retracted) == (4, 1, 1, 1)
    assert values(row["kpis"], "offered", "answered", "waiting") == [1, 0, 1]


@pytest.mark.parametrize("swap", [False, True])
def test_of_two_contents_of_one_id_the_earlier_counts(swap: bool) -> None:
    contents = [make("call.queued", START, "1", "pbx", queue="early"), make("call.queued", START + 5, "1", "pbx", queue="late")]
    flow = [("c1", event) for event in (contents[::-1] if swap else contents)]
    found, counts = reported(flow, policies.load(""), START + 60_000, [(START, START + 60_000)], ("queue",))
    assert [row["segment"] for row in found] == [{"queue": "early"}]
    assert (counts.events, counts.conflicts) == (1, 1)


def test_a_retraction_counts_from_its_own_time_and_can_be_taken_back() -> None:
    steps: Steps = [
        at(0, "call.queued"),
        at(5, "call.answered"),
        at(20, "event.retracted", id="01", source="test"),
        at(40, "event.retracted", id="02", source="test"),
    ]
    answered = [rows(steps, windows=[(0, end)])[0]["kpis"]["answered"]["value"] for end in (20, 30, 50)]
    assert answered == [1, 0, 1]


def test_events_without_an_interaction_are_no_row_of_their_own() -> None:
    found = rows([at(0, "survey.responded", kind="csat", score=5)], windows=[(0, 60)], by=["queue"])
    assert found == []


def test_no_events_is_one_row_of_the_centre() -> None:
    [row] = rows(windows=[(0, 60)])
    assert (row["segment"], row["kpis"]["offered"]["value"]) == ({}, 0)
    assert recording_of([]).span() is None
