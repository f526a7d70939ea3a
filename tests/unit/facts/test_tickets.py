"""Facts of tickets: steps, replies, finals. Source: fine print 4, decision 2, rules 11 to 17."""

from typing import Any

import pytest

from tests.unit.facts.folding import Step, at, facts_of, spans, visits


def said(second: float, author: str, **data: Any) -> Step:
    return at(second, "ticket.message", author=author, **data)


def steps(ticket: Any) -> tuple[list[float], list[float]]:
    """When it was resolved, and reopened."""
    return [step.time / 1000 for step in ticket.resolved], [time / 1000 for time in ticket.reopened]


def test_a_ticket_is_one_visit_until_the_first_human_reply() -> None:
    ticket = facts_of(
        at(0, "ticket.opened", queue="mail"),
        said(1, "agent", automatic=True),
        said(2, "agent", public=False),
        said(3, "bot"),
        said(600, "agent", agent="ann"),
        at(900, "ticket.resolved", agent="bob"),
    )
    assert visits(ticket) == [("mail", 0, "answered", 600)]
    assert (ticket.response.agent, ticket.resolved[0].agent, ticket.resolved[0].replied) == ("ann", "bob", True)
    assert spans(ticket) == [(0, 900)]


def test_resolved_without_a_reply_ends_the_waiting_without_being_a_miss() -> None:
    ticket = facts_of(at(0, "ticket.opened", queue="mail"), at(900, "ticket.resolved"))
    assert visits(ticket) == [("mail", 0, "resolved", 900)]
    assert ticket.resolved[0].replied is False


def test_a_first_reply_after_a_reopen_still_counts_from_creation() -> None:
    ticket = facts_of(at(0, "ticket.opened"), at(900, "ticket.resolved"), at(1000, "ticket.reopened"), said(1200, "agent"))
    assert visits(ticket) == [(None, 0, "answered", 1200)]
    assert ticket.all_visits()[0].waited_until == 900_000


def test_what_an_agent_opened_waits_from_the_first_customer_message() -> None:
    ticket = facts_of(
        at(0, "ticket.opened", initiator="agent"), said(10, "agent"), said(500, "customer"), said(510, "customer"), said(560, "agent")
    )
    assert visits(ticket) == [(None, 500, "answered", 560)]
    assert spans(ticket) == [(0, None)]


def test_what_an_agent_opened_and_no_customer_wrote_to_has_no_visit_and_no_response() -> None:
    ticket = facts_of(at(0, "ticket.opened", initiator="agent"), said(10, "agent"), said(20, "agent"))
    assert (visits(ticket), ticket.response, ticket.clock_start) == ([], None, None)


def test_a_repeated_resolved_or_closed_changes_nothing() -> None:
    ticket = facts_of(
        at(0, "ticket.opened"),
        at(100, "ticket.resolved"),
        at(150, "ticket.resolved"),
        at(200, "ticket.closed"),
        at(300, "ticket.closed"),
    )
    assert steps(ticket) == ([100], [])
    assert spans(ticket) == [(0, 100)]


def test_closed_on_an_unresolved_ticket_is_its_resolution() -> None:
    ticket = facts_of(at(0, "ticket.opened"), at(200, "ticket.closed"), at(300, "ticket.closed"))
    assert steps(ticket) == ([200], [])


def test_reopened_and_resolved_again_are_steps() -> None:
    ticket = facts_of(
        at(0, "ticket.opened"),
        at(50, "ticket.reopened"),
        at(100, "ticket.resolved"),
        at(150, "ticket.closed"),
        at(200, "ticket.reopened"),
        at(210, "ticket.reopened"),
        at(300, "ticket.closed"),
    )
    assert steps(ticket) == ([100, 300], [200])
    assert spans(ticket) == [(0, 100), (200, 300)]


@pytest.mark.parametrize("status", ["new", "open", "pending", "on_hold"])
def test_a_changed_status_neither_opens_nor_closes(status: str) -> None:
    ticket = facts_of(at(0, "ticket.opened"), at(100, "ticket.resolved"), at(200, "ticket.status_changed", status=status))
    assert steps(ticket) == ([100], [])
    assert spans(ticket) == [(0, 100)]


def test_a_late_opened_undoes_no_resolution() -> None:
    ticket = facts_of(at(100, "ticket.resolved"), at(102, "ticket.opened"))
    assert steps(ticket) == ([100], [])
    assert (ticket.opened, ticket.created) == (102_000, 102_000)
    assert spans(ticket) == []
    assert ticket.contradicts


def test_the_earliest_opened_counts() -> None:
    ticket = facts_of(at(50, "ticket.opened"), at(0, "ticket.opened"), at(80, "ticket.opened"))
    assert ticket.opened == 0
    assert spans(ticket) == [(0, None)]


@pytest.mark.parametrize(("kind", "data"), [("merged", {"into": "t2"}), ("deleted", {})])
def test_merged_and_deleted_are_final(kind: str, data: dict[str, str]) -> None:
    ticket = facts_of(
        at(0, "ticket.opened", queue="mail"),
        at(100, f"ticket.{kind}", **data),
        at(110, "ticket.reopened"),
        at(120, "ticket.resolved"),
        at(130, "ticket.deleted"),
    )
    assert steps(ticket) == ([], [])
    assert (ticket.final, ticket.final_at) == (kind, 100_000)
    assert spans(ticket) == [(0, 100)]
    assert visits(ticket) == [("mail", 0, kind, 100)]


def test_merged_after_its_resolution_it_keeps_the_step() -> None:
    ticket = facts_of(at(0, "ticket.opened", queue="mail"), at(50, "ticket.resolved"), at(100, "ticket.merged", into="t2"))
    assert steps(ticket) == ([50], [])
    assert spans(ticket) == [(0, 50)]
    assert visits(ticket) == [("mail", 0, "resolved", 50)]


def test_events_of_one_instant_come_in_the_order_of_their_ids() -> None:
    both = at(100, "ticket.resolved"), at(100, "ticket.reopened")
    assert steps(facts_of(at(0, "ticket.opened"), *both)) == ([100], [100])
    assert steps(facts_of(at(0, "ticket.opened"), *both[::-1])) == ([100], [])


def test_next_responses_go_on_over_a_reopen() -> None:
    ticket = facts_of(
        at(0, "ticket.opened"),
        said(10, "agent"),
        at(20, "ticket.resolved"),
        said(50, "customer"),
        at(50, "ticket.reopened"),
        said(80, "agent"),
    )
    assert [(reply.since, reply.time) for reply in ticket.next_replies] == [(50_000, 80_000)]
