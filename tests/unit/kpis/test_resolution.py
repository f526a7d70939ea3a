"""Resolution time and the compliance with every target. Source: KPI contract; fine print 4 to 6; decision 2, rules 17 and 24."""

import pytest

from tests.unit.kpis.centre import HOUR, Kpis, Step, at, by_segment, call, kpis, rows, said

REOPENED = [at(0, "ticket.opened"), at(HOUR, "ticket.resolved"), at(2 * HOUR, "ticket.reopened"), at(5 * HOUR, "ticket.resolved")]
DUE = at(0, "ticket.opened", due_first_response="2026-03-02T09:00:00+01:00", due_resolution="2026-03-02T12:00:00+01:00")
"""A first response due after 1 h, a resolution after 4 h."""
TARGETS = '[[targets]]\nmatch = { channel = "ticket" }\nfirst_response = "1h"\nresolution = "4h"\n'


def sums(row: Kpis) -> tuple[float | None, float | None, float | None]:
    """Headline, first and full."""
    figure = row["resolution_time"]
    return figure["sum"], figure["variants"]["first"]["sum"], figure["variants"]["full"]["sum"]


def compliance(*steps: Step, end: float, start: float = 0, policy: str = "") -> tuple[float | None, int]:
    figure = kpis(steps, start=start, end=end, policy=policy)["sla_compliance"]
    return figure["value"], figure["n"]


@pytest.mark.parametrize(
    ("until", "first", "full"),
    [
        (HOUR, None, None),
        (HOUR + 0.001, 3600.0, 3600.0),
        (2 * HOUR, 3600.0, 3600.0),
        (2 * HOUR + 0.001, 3600.0, None),
        (5 * HOUR, 3600.0, None),
        (5 * HOUR + 0.001, 3600.0, 18_000.0),
    ],
)
def test_a_reopen_withdraws_the_full_resolution_and_leaves_the_first(until: float, first: float | None, full: float | None) -> None:
    assert sums(kpis(REOPENED, end=until)) == (full, first, full)


def test_a_row_of_the_past_changes_when_a_reopen_takes_its_resolution_back() -> None:
    early = [(0.0, 1.5 * HOUR)]
    assert [sums(row["kpis"]) for row in rows(REOPENED, windows=early)] == [(3600.0, 3600.0, 3600.0)]
    # A tumbling report that knows of the reopen: the first row loses the full resolution, the last one has it.
    found = rows(REOPENED, windows=[*early, (1.5 * HOUR, 6 * HOUR)])
    assert [sums(row["kpis"]) for row in found] == [(None, 3600.0, None), (18_000.0, None, 18_000.0)]
    assert [row["kpis"]["resolved"]["value"] for row in found] == [1, 1]


@pytest.mark.parametrize("last", [at(2 * HOUR, "ticket.merged", into="t2"), at(2 * HOUR, "ticket.deleted")])
def test_merged_and_deleted_tickets_leave_no_trace(last: Step) -> None:
    ticket = [DUE, said(60, "ticket", "agent"), at(HOUR, "ticket.resolved"), last]
    assert sums(kpis(ticket, end=2 * HOUR)) == (3600.0, 3600.0, 3600.0)
    row = kpis(ticket, end=9 * HOUR)
    assert sums(row) == (None, None, None)
    assert (row["sla_compliance"]["value"], row["sla_compliance"]["n"], row["resolved"]["value"]) == (None, 0, 1)


def test_the_time_runs_from_the_opening_also_for_what_an_agent_opened() -> None:
    ticket = [at(0, "ticket.opened", initiator="agent"), said(500, "ticket", "customer"), at(600, "ticket.resolved")]
    assert kpis(ticket, end=HOUR)["resolution_time"]["sum"] == 600.0


def test_a_ticket_that_was_never_opened_has_no_resolution_time() -> None:
    row = kpis([at(10, "ticket.resolved")], end=HOUR)
    assert (row["resolution_time"]["n"], row["resolved"]["value"]) == (0, 1)


def test_resolution_times_belong_to_who_resolved() -> None:
    ticket = [
        at(0, "ticket.opened"),
        at(60, "ticket.resolved", agent="ann"),
        at(70, "ticket.reopened"),
        at(90, "ticket.resolved", agent="bob"),
    ]
    found = by_segment(ticket, end=HOUR, by="agent")
    assert {agent: sums(row) for agent, row in found.items()} == {"ann": (None, 60.0, None), "bob": (90.0, None, 90.0)}


def test_met_when_the_last_target_is_met_in_time() -> None:
    steps = DUE, said(1800, "ticket", "agent"), at(3 * HOUR, "ticket.resolved")
    assert compliance(*steps, end=3 * HOUR) == (None, 0)
    assert compliance(*steps, end=3 * HOUR + 0.001) == (1.0, 1)
    assert compliance(*steps, start=3 * HOUR, end=9 * HOUR) == (1.0, 1)
    assert compliance(*steps, start=3 * HOUR + 0.001, end=9 * HOUR) == (None, 0)


def test_a_target_met_at_its_very_instant_is_met() -> None:
    assert compliance(DUE, said(HOUR, "ticket", "agent"), at(4 * HOUR, "ticket.resolved"), end=9 * HOUR) == (1.0, 1)


def test_failed_at_the_first_deadline_that_passes_unmet() -> None:
    late_reply = DUE, said(2 * HOUR, "ticket", "agent"), at(3 * HOUR, "ticket.resolved")
    assert compliance(*late_reply, end=HOUR) == (None, 0)
    assert compliance(*late_reply, end=HOUR + 0.001) == (0.0, 1)
    late_solve = DUE, said(1800, "ticket", "agent"), at(5 * HOUR, "ticket.resolved")
    assert compliance(*late_solve, end=4 * HOUR) == (None, 0)
    assert compliance(*late_solve, end=4 * HOUR + 0.001) == (0.0, 1)


def test_an_item_fails_once() -> None:
    found = rows([DUE], windows=[(0, 2 * HOUR), (2 * HOUR, 9 * HOUR)])
    assert [row["kpis"]["sla_compliance"]["n"] for row in found] == [1, 0]


def test_the_policys_targets_hold_where_the_source_sets_none() -> None:
    opened = at(0, "ticket.opened")
    assert compliance(opened, said(60, "ticket", "agent"), at(HOUR, "ticket.resolved"), end=9 * HOUR, policy=TARGETS) == (1.0, 1)
    assert compliance(opened, said(60, "ticket", "agent"), end=4 * HOUR + 0.001, policy=TARGETS) == (0.0, 1)


def test_the_source_wins_over_the_policy() -> None:
    later = at(0, "ticket.opened", due_first_response="2026-03-02T10:00:00+01:00")
    assert compliance(later, said(1.5 * HOUR, "ticket", "agent"), at(2 * HOUR, "ticket.resolved"), end=9 * HOUR, policy=TARGETS) == (1.0, 1)


def test_the_first_resolution_counts_for_the_target() -> None:
    steps = DUE, said(60, "ticket", "agent"), at(HOUR, "ticket.resolved"), at(2 * HOUR, "ticket.reopened"), at(8 * HOUR, "ticket.resolved")
    assert compliance(*steps, end=9 * HOUR) == (1.0, 1)


def test_no_target_is_no_item() -> None:
    none = '[[targets]]\nmatch = { channel = "ticket" }\nfirst_response = "none"\nresolution = "none"\n'
    assert compliance(at(0, "ticket.opened"), said(60, "ticket", "agent"), at(90, "ticket.resolved"), end=9 * HOUR, policy=none) == (
        None,
        0,
    )


@pytest.mark.parametrize(
    ("answered", "missed", "expected"),
    [(10, None, (1.0, 1)), (20, None, (1.0, 1)), (21, None, (0.0, 1)), (None, 10, (None, 0)), (None, 30, (0.0, 1)), (None, None, (0.0, 1))],
)
def test_a_call_has_a_first_response_target_only(answered: float | None, missed: float | None, expected: tuple[float | None, int]) -> None:
    assert compliance(*call(0, answered, missed=missed), end=100) == expected


def test_the_requester_waits_while_the_ticket_is_open_and_not_pending() -> None:
    ticket = [
        at(0, "ticket.opened"),
        at(100, "ticket.status_changed", status="open"),
        at(200, "ticket.status_changed", status="pending"),
        at(500, "ticket.status_changed", status="on_hold"),
        at(600, "ticket.status_changed", status="new"),
        at(700, "ticket.resolved", agent="ann"),
        at(800, "ticket.status_changed", status="open"),  # on a solved ticket
        at(2000, "ticket.reopened"),
        at(2010, "ticket.status_changed", status="pending"),
        at(3000, "ticket.resolved", agent="bob"),
    ]
    for until, expected in ((700, None), (700.001, 400.0), (2000, 400.0), (2000.001, None), (3000, None), (3000.001, 410.0)):
        figure = kpis(ticket, end=until)["requester_wait_time"]
        assert (figure["sum"], figure["n"]) == (expected, int(expected is not None))
    assert {agent: row["requester_wait_time"]["sum"] for agent, row in by_segment(ticket, end=HOUR, by="agent").items()} == {
        "ann": None,
        "bob": 410.0,
    }
    assert kpis([*ticket, at(3100, "ticket.deleted")], end=HOUR)["requester_wait_time"]["n"] == 0


def test_the_reopen_rate_counts_each_step_at_its_own_instant() -> None:
    merged = [at(0, "ticket.opened"), at(10, "ticket.resolved"), at(20, "ticket.reopened"), at(30, "ticket.merged", into="t9")]
    for until, expected in ((HOUR + 1, (0.0, 0, 1)), (2 * HOUR + 1, (1.0, 1, 1)), (6 * HOUR, (0.5, 1, 2))):
        figure = kpis(REOPENED, merged, end=until)["reopen_rate"]
        assert (figure["value"], figure["numerator"], figure["n"]) == expected
    # A row in which only the reopening lies has no rate.
    assert kpis(REOPENED, start=1.5 * HOUR, end=3 * HOUR)["reopen_rate"]["value"] is None
    assert kpis(merged, end=25)["reopen_rate"]["value"] == 1.0  # the merge is not known yet
