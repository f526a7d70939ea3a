"""Talk time. Source: KPI contract, "Handling and people"; fine print 10."""

import pytest

from tests.unit.kpis.centre import Step, at, by_segment, call, kpis, rows

TWO_LEGS = [
    at(0, "call.queued", queue="sales"),
    at(10, "call.answered", agent="ann"),
    at(40, "call.transferred", to_queue="support"),
    at(60, "call.answered", agent="bob"),
    at(80, "call.held"),
    at(95, "call.resumed"),
    at(160, "call.ended"),
]


def test_talk_is_ended_minus_answered_minus_hold_booked_at_the_end() -> None:
    steps = [at(0, "call.queued"), at(10, "call.answered"), at(30, "call.held"), at(50, "call.resumed"), at(100, "call.ended")]
    figure = kpis(steps, end=200)["talk_time"]
    assert (figure["n"], figure["sum"], figure["max"]) == (1, 70.0, 70.0)
    assert kpis(steps, end=100)["talk_time"]["n"] == 0
    assert kpis(steps, end=100.001)["talk_time"]["n"] == 1


def test_two_legs_in_two_queues_are_one_value_a_queue_and_one_in_the_centre() -> None:
    centre, queues, agents = kpis(TWO_LEGS, end=200), by_segment(TWO_LEGS, end=200, by="queue"), by_segment(TWO_LEGS, end=200, by="agent")
    assert (centre["talk_time"]["n"], centre["talk_time"]["sum"], centre["talk_time"]["max"]) == (1, 115.0, 115.0)
    assert {queue: (row["talk_time"]["n"], row["talk_time"]["sum"]) for queue, row in queues.items()} == {
        "sales": (1, 30.0),
        "support": (1, 85.0),
    }
    assert {agent: (row["talk_time"]["n"], row["talk_time"]["sum"]) for agent, row in agents.items()} == {
        "ann": (1, 30.0),
        "bob": (1, 85.0),
    }


def test_a_call_of_two_legs_is_handled_once_in_every_segment_that_it_touched() -> None:
    queues = by_segment(TWO_LEGS, end=200, by="queue")
    assert kpis(TWO_LEGS, end=200)["handled"]["value"] == 1
    assert {queue: row["handled"]["value"] for queue, row in queues.items()} == {"sales": 1, "support": 1}


def test_two_legs_in_one_queue_are_one_value() -> None:
    steps = [
        at(0, "call.queued", queue="a"),
        at(5, "call.answered"),
        at(20, "call.transferred", to_queue="a"),
        at(30, "call.answered"),
        at(40, "call.ended"),
    ]
    row = by_segment(steps, end=100, by="queue")["a"]
    assert (row["talk_time"]["n"], row["talk_time"]["sum"], row["handled"]["value"]) == (1, 25.0, 1)


def test_a_hold_that_is_never_resumed_ends_with_the_call() -> None:
    assert kpis([*call(0, 10), at(40, "call.held"), at(100, "call.ended")], end=200)["talk_time"]["sum"] == 30.0


@pytest.mark.parametrize("steps", [call(0, ended=30), call(0, 10), [at(0, "call.started"), at(30, "call.ended")]])
def test_without_an_answer_or_an_end_there_is_no_talk(steps: list[Step]) -> None:
    assert kpis(steps, end=100)["talk_time"]["n"] == 0


def test_a_negative_talk_is_zero() -> None:
    assert kpis([at(0, "call.queued"), at(9, "call.ended"), at(10, "call.answered")], end=100)["talk_time"]["sum"] == 0.0


def test_an_outbound_call_has_talk() -> None:
    row = kpis([at(0, "call.started"), at(5, "call.answered"), at(65, "call.ended")], end=100)
    assert (row["talk_time"]["sum"], row["first_response_time"]["n"]) == (60.0, 0)


def test_talk_of_a_row_is_that_of_calls_ended_in_it() -> None:
    found = rows(call(0, 5, ended=15), call(0, 5, ended=30), windows=[(0, 15), (15, 30), (30, 45)])
    assert [row["kpis"]["talk_time"]["sum"] for row in found] == [None, 10.0, 25.0]


def test_hold_time_and_rate_are_of_the_calls_and_legs_that_were_held() -> None:
    plain = call(0, 5, ended=50, queue="sales")
    chat = [at(0, "chat.started"), at(3, "chat.answered", agent="ann"), at(50, "chat.ended")]
    row = kpis(TWO_LEGS, plain, chat, end=200)
    assert (row["hold_time"]["n"], row["hold_time"]["sum"]) == (1, 15.0)
    assert (row["hold_rate"]["value"], row["hold_rate"]["numerator"], row["hold_rate"]["n"]) == (0.5, 1, 2)
    queues = by_segment(TWO_LEGS, plain, end=200, by="queue")
    assert {queue: (row["hold_rate"]["numerator"], row["hold_rate"]["n"]) for queue, row in queues.items() if row["hold_rate"]["n"]} == {
        "sales": (0, 2),
        "support": (1, 1),
    }
    assert kpis(TWO_LEGS, end=160)["hold_rate"]["value"] is None


def test_a_hold_that_is_not_resumed_ends_with_the_leg() -> None:
    steps = [at(0, "call.queued"), at(10, "call.answered"), at(30, "call.held"), at(40, "call.held"), at(100, "call.ended")]
    row = kpis(steps, end=200)
    assert (row["hold_time"]["sum"], row["talk_time"]["sum"]) == (70.0, 20.0)


def test_a_call_counts_as_transferred_where_the_leg_lies_that_handed_it_over() -> None:
    # Told of before or after its entry into the queue of the other, by two systems' clocks.
    told_late = [
        at(0, "call.queued", queue="sales", visit="1"), at(10, "call.answered", agent="ann"),
        at(40, "call.queued", queue="support", visit="2"), at(40.5, "call.transferred", to_queue="support"),
        at(60, "call.answered", agent="bob"),
        at(90, "call.ended"),
    ]  # fmt: skip
    waiting = [
        at(0, "call.queued", queue="sales"), at(30, "call.transferred", to_queue="support"), at(50, "call.answered", agent="cid"),
        at(90, "call.ended"),
    ]  # fmt: skip
    for steps in (TWO_LEGS, told_late):
        assert kpis(steps, waiting, end=200)["transfer_rate"]["value"] == 0.5
        agents = by_segment(steps, waiting, end=200, by="agent")
        assert {agent: row["transfer_rate"]["value"] for agent, row in agents.items()} == {"ann": 1.0, "bob": 0.0, "cid": 0.0}
        queues = by_segment(steps, waiting, end=200, by="queue")
        assert {queue: row["transfer_rate"]["value"] for queue, row in queues.items()} == {"sales": 1.0, "support": 0.0}


def test_after_contact_work_belongs_to_the_leg_of_whoever_did_it_and_to_the_end_of_the_call() -> None:
    steps = [*TWO_LEGS, at(100, "call.wrapped_up", agent="ann"), at(220, "call.wrapped_up", agent="bob"), at(230, "call.wrapped_up")]
    row = kpis(steps, end=200, until=300)
    # ann's from her leg's end at 40, bob's and that of nobody from the end at 160.
    assert (row["wrap_time"]["n"], row["wrap_time"]["sum"]) == (1, 60.0 + 60.0 + 70.0)
    assert kpis(steps, end=200)["wrap_time"]["sum"] == 60.0  # what came later is not known yet
    agents = by_segment(steps, end=300, by="agent")
    assert {agent: row["wrap_time"]["sum"] for agent, row in agents.items()} == {"ann": 60.0, "bob": 130.0}
    assert kpis(TWO_LEGS, end=200)["wrap_time"]["n"] == 0
