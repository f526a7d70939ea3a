"""Counts of the row. Source: KPI contract, "Volume and backlog"; fine print 2 and 4; decision 2, rules 16, 17, 23."""

import pytest

from tests.unit.kpis.centre import HOUR, Steps, at, by_segment, call, kpis, rows, said, values


def test_visits_are_counted_in_the_row_of_their_own_instants() -> None:
    found = rows(call(0, 15, ended=25), windows=[(0, 10), (10, 20), (20, 30)])
    assert [values(row["kpis"], "offered", "answered", "handled") for row in found] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_a_row_holds_its_first_instant_and_not_its_last() -> None:
    found = rows(call(10), windows=[(0, 10), (10, 20)])
    assert [row["kpis"]["offered"]["value"] for row in found] == [0, 1]


def test_a_transfer_opens_a_new_visit() -> None:
    steps = [at(0, "call.queued", queue="a"), at(5, "call.answered"), at(20, "call.transferred", to_queue="b"), at(30, "call.ended")]
    found = by_segment(steps, end=100, by="queue")
    assert values(found["a"], "offered", "answered", "missed", "left_queue") == [1, 1, 0, 0]
    assert values(found["b"], "offered", "answered", "missed", "left_queue") == [1, 0, 1, 0]


@pytest.mark.parametrize("leaving", [at(9, "callback.requested"), at(9, "call.transferred", to_queue="a"), at(9, "call.queued", queue="b")])
def test_flow_outs_leave_the_queue_without_being_missed(leaving: tuple[float, str, dict[str, str]]) -> None:
    row = kpis([at(0, "call.queued", queue="a"), leaving], end=100)
    assert values(row, "left_queue", "missed", "answered") == [1, 0, 0]


def test_handled_is_answered_and_ended() -> None:
    unanswered, answered, both = call(0, ended=30), call(0, 10), call(0, 10, ended=30)
    assert kpis(unanswered, answered, both, end=100)["handled"]["value"] == 1


def test_an_outbound_call_is_handled_but_neither_offered_nor_answered() -> None:
    row = kpis([at(0, "call.started", direction="outbound"), at(5, "call.answered"), at(65, "call.ended")], end=100)
    assert values(row, "offered", "answered", "handled", "missed", "left_queue") == [0, 0, 1, 0, 0]


def test_a_ticket_is_handled_at_its_first_resolution_if_a_person_had_replied() -> None:
    replied = [
        at(0, "ticket.opened"),
        said(5, "ticket", "agent"),
        at(10, "ticket.resolved"),
        at(20, "ticket.reopened"),
        at(30, "ticket.resolved"),
    ]
    silent = [at(0, "ticket.opened"), said(5, "ticket", "bot"), at(10, "ticket.resolved")]
    row = kpis(replied, silent, end=100)
    assert values(row, "opened", "resolved", "reopened", "handled") == [2, 3, 1, 1]


def test_only_steps_count() -> None:
    ticket = [at(0, "ticket.opened"), at(1, "ticket.reopened"), at(2, "ticket.closed"), at(3, "ticket.resolved"), at(4, "ticket.closed")]
    assert values(kpis(ticket, end=100), "opened", "resolved", "reopened") == [1, 1, 0]


def test_a_late_opened_is_opened_and_a_contradiction() -> None:
    row = kpis([at(10, "ticket.resolved"), at(12, "ticket.opened")], end=100)
    assert values(row, "opened", "resolved", "contradictions", "backlog") == [1, 1, 1, 0]
    assert row["resolution_time"]["max"] == 0.0


def test_merged_before_opened_is_one_too() -> None:
    row = kpis([at(10, "ticket.merged", into="t2"), at(12, "ticket.opened")], end=100)
    assert values(row, "opened", "merged", "contradictions", "backlog") == [1, 1, 1, 0]


def test_merged_and_deleted_tickets_are_counted_apart_from_the_resolved() -> None:
    merged, deleted = [at(0, "ticket.opened"), at(9, "ticket.merged", into="t")], [at(0, "ticket.opened"), at(9, "ticket.deleted")]
    row = kpis(merged, deleted, end=100)
    assert values(row, "opened", "resolved", "merged", "deleted", "left_queue", "missed", "backlog") == [2, 0, 1, 1, 2, 0, 0]


def mixed() -> list[Steps]:
    resolved = [at(0, "ticket.opened"), at(HOUR / 2, "ticket.resolved")]
    reopened = [at(0, "ticket.opened"), at(60, "ticket.resolved"), at(1800, "ticket.reopened")]
    merged = [at(10, "ticket.opened"), at(100, "ticket.merged", into="t")]
    return [resolved, reopened, merged, [at(20, "ticket.opened")], [at(30, "ticket.opened")]]


def test_the_change_of_backlog_is_opened_plus_reopened_minus_resolved_merged_and_deleted() -> None:
    row = kpis(*mixed(), end=HOUR)
    assert values(row, "opened", "reopened", "resolved", "merged", "deleted", "backlog") == [5, 1, 2, 1, 0, 3]
    assert row["net_flow"]["value"] == 3.0


def test_net_flow_is_per_hour() -> None:
    opened = [[at(n, "ticket.opened")] for n in range(5)]
    gone = [[at(-60, "ticket.opened"), at(100 + n, "ticket.resolved")] for n in range(3)]
    assert kpis(*opened, *gone, end=900)["net_flow"]["value"] == 8.0
    assert kpis(*gone, end=900)["net_flow"]["value"] == -12.0
    assert kpis(end=900)["net_flow"]["value"] == 0.0


def test_latest_attributes_hold_for_all_that_an_interaction_ever_contributed() -> None:
    steps = [at(0, "call.queued", priority="1"), at(50, "call.ringing", priority="2")]
    found = {(row["segment"]["priority"], row["start"]): row["kpis"] for row in rows(steps, windows=[(0, 20), (20, 60)], by=["priority"])}
    assert [key[0] for key in found] == ["2", "2"]
    assert [row["offered"]["value"] for row in found.values()] == [1, 0]


def test_what_was_done_belongs_to_who_did_it_and_what_nobody_did_to_the_latest_known() -> None:
    ticket = [
        at(0, "ticket.opened", team="first"),
        at(5, "ticket.message", author="agent", agent="ann", team="red"),
        at(9, "ticket.assigned", team="blue"),
        at(20, "ticket.resolved", team="green"),
        at(30, "ticket.assigned", team="last"),
    ]
    found = by_segment(ticket, end=100, by="team")
    assert {team: values(row, "opened", "offered", "answered", "resolved") for team, row in found.items()} == {
        "green": [0, 0, 0, 1], "last": [1, 1, 0, 0], "red": [0, 0, 1, 0],
    }  # fmt: skip
