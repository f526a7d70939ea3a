"""Response times and breaches. Source: KPI contract; fine print 3 and 9; decision 2, rules 9, 12, 15, 19, 22."""

import pytest

from tests.unit.kpis.centre import HOUR, Step, at, by_segment, call, kpis, rows, said


def breaches(*steps: Step, end: float, start: float = 0, policy: str = "") -> int:
    return int(kpis(steps, start=start, end=end, policy=policy)["frt_breaches"]["value"])


def test_the_first_response_to_calls_is_booked_at_the_answer() -> None:
    calls = call(0, 4, ended=60), call(10, 16), call(20)
    figure = kpis(*calls, end=100)["first_response_time"]
    assert (figure["n"], figure["sum"], figure["mean"], figure["max"]) == (2, 10.0, 5.0, 6.0)
    assert figure["p50"] == pytest.approx(4, rel=0.02)
    assert kpis(*calls, end=16)["first_response_time"]["n"] == 1
    assert kpis(*calls, end=16.001)["first_response_time"]["n"] == 2


def test_an_answer_two_seconds_before_the_queue_entry_is_a_wait_of_zero_and_skew() -> None:
    row = kpis([at(8, "call.answered"), at(10, "call.queued"), at(60, "call.ended")], end=100)
    assert (row["first_response_time"]["n"], row["first_response_time"]["max"], row["skewed"]["value"]) == (1, 0.0, 1)
    assert row["service_level"]["value"] == 1.0


def test_a_transferred_call_has_one_first_response_and_two_speeds_of_answer() -> None:
    transferred = [
        at(0, "call.queued", queue="sales"),
        at(6, "call.answered"),
        at(30, "call.transferred", to_queue="support"),
        at(40, "call.answered"),
    ]
    row = kpis(transferred, end=100)
    assert (row["first_response_time"]["n"], row["first_response_time"]["sum"]) == (1, 6.0)
    assert (row["speed_of_answer"]["n"], row["speed_of_answer"]["sum"]) == (2, 16.0)
    assert by_segment(transferred, end=100, by="queue")["support"]["first_response_time"]["n"] == 0


def test_a_first_response_in_the_second_queue_counts_from_the_first_queue_entry() -> None:
    requeued = [at(0, "call.queued", queue="sales"), at(15, "call.queued", queue="support"), at(25, "call.answered")]
    row = by_segment(requeued, end=100, by="queue")["support"]
    assert (row["first_response_time"]["sum"], row["speed_of_answer"]["sum"]) == (25.0, 10.0)


def test_a_response_in_time_is_no_breach_even_if_another_visit_was_answered_later() -> None:
    v1, v2 = {"visit": "v1"}, {"visit": "v2"}
    steps = [at(0, "call.queued", queue="sales", **v1), at(5, "call.queued", queue="support", **v2)]
    steps += [at(8, "call.answered", **v2), at(60, "call.answered", **v1)]
    assert breaches(*steps, end=100) == 0


def test_chats_count_from_the_hand_off_and_tickets_from_creation() -> None:
    chat = [at(0, "chat.started"), said(1, "chat", "bot"), at(40, "chat.handed_off"), said(55, "chat", "agent")]
    ticket = [at(0, "ticket.opened"), said(5, "ticket", "agent", automatic=True), said(600, "ticket", "agent")]
    found = by_segment(chat, ticket, end=HOUR, by="channel")
    assert (found["chat"]["first_response_time"]["sum"], found["ticket"]["first_response_time"]["sum"]) == (15.0, 600.0)
    assert found["chat"]["speed_of_answer"]["n"] == 0  # calls only


def test_what_an_agent_opened_counts_from_the_first_customer_message() -> None:
    ticket = [
        at(0, "ticket.opened", initiator="agent"),
        said(5, "ticket", "agent"),
        said(100, "ticket", "customer"),
        said(160, "ticket", "agent"),
    ]
    row = kpis(ticket, end=HOUR)
    assert (row["first_response_time"]["n"], row["first_response_time"]["sum"], row["offered"]["value"]) == (1, 60.0, 1)


def test_a_first_reply_after_a_reopen_counts_from_creation() -> None:
    ticket = [at(0, "ticket.opened"), at(100, "ticket.resolved"), at(200, "ticket.reopened"), said(300, "ticket", "agent")]
    assert kpis(ticket, end=HOUR)["first_response_time"]["sum"] == 300.0


def test_the_next_response_is_to_the_oldest_unanswered_message() -> None:
    chat = [
        at(0, "chat.started"),
        said(1, "chat", "customer"),
        said(10, "chat", "agent"),
        said(20, "chat", "customer"),
        said(40, "chat", "customer"),
        said(45, "chat", "agent", public=False),
        said(50, "chat", "agent"),
        said(70, "chat", "customer"),
        said(74, "chat", "agent"),
    ]
    figure = kpis(chat, end=100)["next_response_time"]
    assert (figure["n"], figure["sum"], figure["max"]) == (2, 34.0, 30.0)


def test_the_average_response_time_and_the_variant_per_inquiry() -> None:
    figure = kpis(call(0, 10), call(0, 20), call(30), end=60)["average_response_time"]
    assert (figure["value"], figure["numerator"], figure["n"]) == (15.0, 30.0, 2)
    assert figure["variants"] == {"per_inquiry": 20.0}  # 10 s, 20 s, and 30 s so far


def test_nobody_answered_yet_is_no_average_but_a_time_per_inquiry() -> None:
    figure = kpis(call(0), call(20), end=60)["average_response_time"]
    assert (figure["value"], figure["n"], figure["variants"]) == (None, 0, {"per_inquiry": 50.0})


def test_who_waits_no_more_adds_nothing_per_inquiry() -> None:
    assert kpis(call(0, 10), call(0, missed=40), end=60)["average_response_time"]["variants"] == {"per_inquiry": 5.0}


@pytest.mark.parametrize(("end", "expected"), [(20, 0), (20.001, 1), (29, 1), (100, 1)])
def test_a_breach_is_booked_when_the_target_passes_and_not_when_the_answer_comes(end: float, expected: int) -> None:
    assert breaches(at(0, "call.queued"), at(30, "call.answered"), end=end) == expected


def test_each_interaction_breaches_once_in_the_row_in_which_its_target_passes() -> None:
    late = [
        at(0, "call.queued", queue="sales"),
        at(30, "call.transferred", to_queue="support"),
        at(90, "call.answered"),
        at(95, "call.transferred", to_queue="vip"),
        at(190, "call.ended"),
    ]
    found = rows(late, windows=[(0, 20), (20, 40), (40, 200)])
    assert [row["kpis"]["frt_breaches"]["value"] for row in found] == [0, 1, 0]


@pytest.mark.parametrize(("second", "expected"), [(19.999, 0), (20, 0), (20.001, 1), (40, 1)])
@pytest.mark.parametrize("kind", ["call.answered", "call.missed", "call.ended"])
def test_who_is_answered_or_leaves_by_the_deadline_is_no_breach_and_afterwards_it_stays_one(
    second: float, kind: str, expected: int
) -> None:
    assert breaches(at(0, "call.queued"), at(second, kind), end=100) == expected


def test_a_transfer_at_the_deadline_waits_on() -> None:
    assert breaches(at(0, "call.queued", queue="sales"), at(20, "call.transferred", to_queue="support"), end=100) == 1


def test_a_ticket_resolved_unanswered_before_its_deadline_is_no_breach() -> None:
    opened, target = at(0, "ticket.opened"), 4 * HOUR
    assert breaches(opened, at(target - 1, "ticket.resolved"), end=10 * HOUR) == 0
    assert breaches(opened, at(target + 1, "ticket.resolved"), end=10 * HOUR) == 1
    assert breaches(opened, end=target) == 0
    assert breaches(opened, end=target + 0.001) == 1


def test_a_late_reply_after_a_reopen_is_a_breach_at_the_deadline() -> None:
    steps = at(0, "ticket.opened"), at(HOUR, "ticket.resolved"), at(5 * HOUR, "ticket.reopened"), said(6 * HOUR, "ticket", "agent")
    assert breaches(*steps, start=4 * HOUR, end=4 * HOUR + 1) == 0  # nobody waited then, and the reply was yet to come
    assert [
        row["kpis"]["frt_breaches"]["value"] for row in rows(steps, windows=[(0, 4 * HOUR), (4 * HOUR, 5 * HOUR), (5 * HOUR, 9 * HOUR)])
    ] == [0, 1, 0]


def test_the_deadline_of_the_source_wins_over_the_policy() -> None:
    due = "2026-03-02T08:00:50+01:00"
    assert breaches(at(0, "call.queued", due_first_response=due), at(30, "call.answered"), end=100) == 0
    assert breaches(at(0, "call.queued", due_first_response=due), at(60, "call.answered"), end=50.001) == 1
    assert breaches(at(0, "call.queued"), at(1, "call.ringing", due_first_response=due), end=50) == 0


def test_a_deadline_before_the_start_is_at_the_start() -> None:
    early = at(10, "call.queued", due_first_response="2026-03-02T07:00:00+01:00")
    assert [breaches(early, end=10), breaches(early, end=10.001)] == [0, 1]


def test_no_target_is_no_breach() -> None:
    policy = '[[targets]]\nmatch = { channel = "call" }\nfirst_response = "none"\n'
    assert breaches(at(0, "call.queued"), end=HOUR, policy=policy) == 0


def test_a_breach_belongs_to_the_queue_in_which_the_contact_waited_then() -> None:
    steps = [at(0, "call.queued", queue="sales"), at(15, "call.queued", queue="support"), at(40, "call.queued", queue="vip")]
    found = by_segment(steps, end=100, by="queue")
    assert {queue: row["frt_breaches"]["value"] for queue, row in found.items()} == {"sales": 0, "support": 1, "vip": 0}


def test_times_belong_to_the_agent_whom_the_event_names_else_to_the_latest_known() -> None:
    named = [at(0, "call.queued"), at(5, "call.answered", agent="ann"), at(9, "call.ringing", agent="bob")]
    unnamed = [at(0, "call.queued"), at(7, "call.answered"), at(9, "call.ringing", agent="bob")]
    found = by_segment(named, unnamed, end=100, by="agent")
    assert {agent: row["first_response_time"]["sum"] for agent, row in found.items() if row["first_response_time"]["n"]} == {
        "ann": 5.0,
        "bob": 7.0,
    }
