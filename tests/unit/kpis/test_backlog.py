"""What is open and waiting at the end of the row. Source: KPI contract; fine print 11; decision 2, rules 20, 21, 23."""

import pytest

from tests.unit.kpis.centre import HOUR, at, by_segment, call, kpis, rows, said, values

DAY = 24 * HOUR


def test_a_call_is_in_the_backlog_until_its_end_and_waits_until_its_answer() -> None:
    found = rows(call(0, 10, ended=20), windows=[(0, 5), (5, 10), (10, 15), (15, 20), (20, 25)])
    assert [values(row["kpis"], "backlog", "waiting") for row in found] == [[1, 1], [1, 1], [1, 0], [1, 0], [0, 0]]


def test_what_happens_at_the_end_of_a_row_is_not_yet_known() -> None:
    assert kpis(call(0, 10), end=10)["waiting"]["value"] == 1
    assert kpis(call(0, 10), end=10.001)["waiting"]["value"] == 0
    assert kpis(call(0), end=0.001)["waiting"]["value"] == 1


def test_a_call_in_the_menu_is_not_in_the_backlog_and_a_missed_one_no_more() -> None:
    assert kpis([at(0, "call.started")], call(0, missed=10), end=60)["backlog"]["value"] == 0


def test_chats_and_tickets_are_open_until_they_are_ended_resolved_merged_or_deleted() -> None:
    chats = [
        [at(0, "chat.started")],
        [at(0, "chat.started"), at(9, "chat.ended")],
        [at(0, "chat.started"), at(9, "chat.ended"), at(20, "chat.reopened")],
    ]
    ends = [at(9, "ticket.resolved")], [at(9, "ticket.closed")], [at(9, "ticket.merged", into="x")], [at(9, "ticket.deleted")], []
    found = by_segment(*chats, *[[at(0, "ticket.opened"), *end] for end in ends], end=60, by="channel")
    assert (found["chat"]["backlog"]["value"], found["ticket"]["backlog"]["value"]) == (2, 1)


@pytest.mark.parametrize(
    ("age", "bucket"),
    [
        (1, "1h"), (HOUR, "1h"), (HOUR + 0.001, "4h"), (4 * HOUR, "4h"), (4 * HOUR + 0.001, "1d"), (DAY, "1d"), (DAY + 0.001, "7d"),
        (7 * DAY, "7d"), (7 * DAY + 0.001, "older"),
    ],
)  # fmt: skip
def test_an_item_is_in_the_first_age_bucket_whose_bound_is_not_below_its_age(age: float, bucket: str) -> None:
    assert kpis([at(0, "ticket.opened")], end=age)["backlog"]["by_age"] == {"1h": 0, "4h": 0, "1d": 0, "7d": 0, "older": 0} | {bucket: 1}


def test_ages_run_from_creation_also_after_a_reopen() -> None:
    ticket = [at(0, "ticket.opened"), at(100, "ticket.resolved"), at(DAY, "ticket.reopened")]
    row = kpis(ticket, call(2 * DAY - 60), end=2 * DAY)
    assert (row["backlog_age"]["n"], row["backlog_age"]["sum"], row["backlog_age"]["max"]) == (2, 172_860.0, 172_800.0)
    assert row["backlog"]["by_age"] == {"1h": 1, "4h": 0, "1d": 0, "7d": 1, "older": 0}


def test_the_longest_wait_moves_without_an_event() -> None:
    calls = call(10, 30), call(20)
    assert [kpis(*calls, end=end)["longest_wait"] for end in (25, 30, 31, 1000)] == [
        {"value": 15.0, "n": 2}, {"value": 20.0, "n": 2}, {"value": 11.0, "n": 1}, {"value": 980.0, "n": 1},
    ]  # fmt: skip


def test_nobody_waiting_is_no_longest_wait_and_zero_waiting() -> None:
    row = kpis(call(0, 5, ended=9), end=60)
    assert (row["longest_wait"], row["waiting"]) == ({"value": None, "n": 0}, {"value": 0, "past_target": 0})


def test_the_longest_wait_is_that_of_the_visit() -> None:
    requeued = [at(0, "call.queued", queue="a"), at(40, "call.queued", queue="b")]
    assert kpis(requeued, end=100)["longest_wait"]["value"] == 60.0


@pytest.mark.parametrize(("end", "past"), [(20, 0), (20.001, 1), (100, 1)])
def test_past_target_from_the_millisecond_after_the_deadline(end: float, past: int) -> None:
    assert kpis(call(0), end=end)["waiting"] == {"value": 1, "past_target": past}


def test_who_had_a_first_response_is_not_past_its_target_in_the_next_queue() -> None:
    transferred = [at(0, "call.queued", queue="a"), at(5, "call.answered"), at(10, "call.transferred", to_queue="b")]
    assert kpis(transferred, end=100)["waiting"] == {"value": 1, "past_target": 0}


@pytest.mark.parametrize(("end", "soon"), [(13_799.999, 0), (13_800, 0), (13_800.001, 1), (14_400, 1), (14_400.001, 0)])
def test_breaching_soon_are_deadlines_from_the_end_up_to_the_horizon(end: float, soon: int) -> None:
    """A ticket is due after 4 h; the horizon is 10 min."""
    assert kpis([at(0, "ticket.opened")], end=end)["breaching_soon"]["value"] == soon


def test_who_was_answered_or_left_does_not_breach_soon() -> None:
    answered = [at(0, "ticket.opened"), said(9, "ticket", "agent")]
    resolved = [at(0, "ticket.opened"), at(9, "ticket.resolved")]
    assert kpis(answered, resolved, end=14_000)["breaching_soon"]["value"] == 0


def test_the_horizon_is_the_policys() -> None:
    assert kpis([at(0, "ticket.opened")], end=60, policy='breaching_soon = "4h"\n')["breaching_soon"]["value"] == 1


def test_time_to_drain_is_the_backlog_at_the_present_rates() -> None:
    old = [[at(-DAY, "ticket.opened")] for _ in range(4)]
    leaving = [[at(-DAY, "ticket.opened"), at(60 + n, "ticket.resolved")] for n in range(5)]
    coming = [[at(n, "ticket.opened")] for n in range(3)]
    row = kpis(*old, *leaving, *coming, end=HOUR)
    assert (row["backlog"]["value"], row["net_flow"]["value"]) == (7, -2.0)
    assert row["time_to_drain"] == {"value": 12_600.0, "forecast": True}


def test_what_never_drains_has_no_time_to_drain() -> None:
    balanced = [[at(0, "ticket.opened")], [at(-60, "ticket.opened"), at(60, "ticket.resolved")]]
    assert kpis(*balanced, end=HOUR)["time_to_drain"] == {"value": None, "forecast": True}
    assert kpis([at(0, "ticket.opened")], end=HOUR)["time_to_drain"] == {"value": None, "forecast": True}


def test_an_empty_backlog_is_drained() -> None:
    assert kpis(call(0, 5, ended=9), end=HOUR)["time_to_drain"] == {"value": 0.0, "forecast": True}


def test_what_an_agent_opened_is_open_but_does_not_wait() -> None:
    row = kpis([at(0, "ticket.opened", initiator="agent"), said(5, "ticket", "agent")], end=60)
    assert values(row, "backlog", "waiting", "offered") == [1, 0, 0]


def test_a_row_of_the_past_has_the_state_at_its_own_end_with_the_attributes_known_now() -> None:
    steps = [at(0, "ticket.opened", priority="1"), at(50, "ticket.priority_changed", priority="2"), at(90, "ticket.resolved")]
    found = rows(steps, windows=[(0, 40), (40, 80), (80, 120)], by=["priority"])
    assert [(row["segment"]["priority"], row["kpis"]["backlog"]["value"]) for row in found] == [("2", 1), ("2", 1), ("2", 0)]


def test_age_and_response_clock_of_a_call_run_from_its_first_queue_entry_though_a_later_event_moved_another_visit() -> None:
    steps = [
        at(0, "call.transferred", to_queue="a", visit="2"), at(50, "call.missed", visit="2"), at(54, "call.transferred", to_queue="b"),
        at(58, "call.queued", visit="2"),
    ]  # fmt: skip
    found = kpis(steps, end=60)
    assert (found["backlog"]["value"], found["backlog_age"]["max"]) == (1, 6.0)
    assert kpis([*steps, at(64, "call.answered")], end=70)["first_response_time"]["sum"] == 10.0
