"""The incident log: events are the differences between the rows of an incident."""

import json
from pathlib import Path
from typing import Any

import pytest

from agents.connectors import convert
from streams.errors import SourceError

HEADER = (
    "number,incident_state,active,reassignment_count,reopen_count,sys_mod_count,made_sla,caller_id,opened_by,opened_at,sys_created_by,"
    "sys_created_at,sys_updated_by,sys_updated_at,contact_type,location,category,subcategory,u_symptom,cmdb_ci,impact,urgency,priority,"
    "assignment_group,assigned_to,knowledge,u_priority_confirmation,notify,problem_id,rfc,vendor,caused_by,closed_code,resolved_by,"
    "resolved_at,closed_at"
)


def row(
    state: str, updated: str, *, number: str = "INC1", moved: int = 0, reopened: int = 0, priority: str = "3 - Moderate", to: str = "?"
) -> str:
    return (
        f"{number},{state},true,{moved},{reopened},0,true,Caller 24,Opened by 8,29/2/2016 01:16,?,?,Updated by 21,{updated},Phone,"
        f"Location 143,Category 55,Subcategory 1,Symptom 72,?,2 - Medium,2 - Low,{priority},Group 56,{to},true,false,Do Not Notify,?,?,?,?,"
        "code 5,Resolved by 149,29/2/2016 11:29,5/3/2016 12:00"
    )


def events(tmp_path: Path, *rows: str) -> list[dict[str, Any]]:
    file = tmp_path / "incidents.csv"
    file.write_text("\n".join((HEADER, *rows)) + "\n")
    return [json.loads(line) for line in convert("servicenow", [file])]


def brief(found: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(each["id"], each["type"], each["time"]) for each in found]


def test_an_incident_opens_at_opened_at_with_all_that_its_first_row_knows(tmp_path: Path) -> None:
    assert events(tmp_path, row("New", "29/2/2016 01:23")) == [
        {
            "specversion": "1.0",
            "id": "INC1/00001",
            "source": "servicenow",
            "type": "ticket.opened",
            "time": "2016-02-29T01:16:00+00:00",
            "subject": "INC1",
            "data": {
                "initiator": "customer",
                "customer": "Caller 24",
                "priority": "3 - Moderate",
                "reason": "Category 55",
                "region": "Location 143",
                "medium": "phone",
                "team": "Group 56",
            },
        }
    ]


def test_the_first_row_that_is_not_new_is_the_first_response(tmp_path: Path) -> None:
    found = events(tmp_path, row("New", "29/2/2016 01:23"), row("Active", "29/2/2016 05:30", to="Resolver 31"))
    assert [(each["type"], each["time"], each["data"]) for each in found[1:]] == [
        ("ticket.status_changed", "2016-02-29T05:30:00+00:00", {"status": "open", "agent": "Resolver 31", "team": "Group 56"}),
        (
            "ticket.message",
            "2016-02-29T05:30:00+00:00",
            {"author": "agent", "public": True, "agent": "Resolver 31", "team": "Group 56"},
        ),
    ]


def test_a_first_row_that_is_already_resolved_answers_and_resolves(tmp_path: Path) -> None:
    assert brief(events(tmp_path, row("Resolved", "29/2/2016 08:53"))) == [
        ("INC1/00001", "ticket.opened", "2016-02-29T01:16:00+00:00"),
        ("INC1/00002", "ticket.message", "2016-02-29T08:53:00+00:00"),
        ("INC1/00003", "ticket.resolved", "2016-02-29T08:53:00+00:00"),
    ]


def test_the_events_of_a_row_have_a_fixed_order(tmp_path: Path) -> None:
    found = events(
        tmp_path,
        row("Resolved", "1/3/2016 08:00"),
        row("Active", "1/3/2016 09:00", reopened=1, moved=2, priority="1 - Critical"),
        row("Closed", "1/3/2016 09:00", reopened=2, moved=3, priority="2 - High"),
    )
    assert brief(found)[3:] == [
        ("INC1/00004", "ticket.reopened", "2016-03-01T09:00:00+00:00"),
        ("INC1/00005", "ticket.priority_changed", "2016-03-01T09:00:00+00:00"),
        ("INC1/00006", "ticket.assigned", "2016-03-01T09:00:00+00:00"),
        ("INC1/00007", "ticket.status_changed", "2016-03-01T09:00:00+00:00"),
        ("INC1/00008", "ticket.reopened", "2016-03-01T09:00:00+00:00"),
        ("INC1/00009", "ticket.priority_changed", "2016-03-01T09:00:00+00:00"),
        ("INC1/00010", "ticket.assigned", "2016-03-01T09:00:00+00:00"),
        ("INC1/00011", "ticket.closed", "2016-03-01T09:00:00+00:00"),
    ]
    assert [found[4]["data"], found[9 - 1]["data"]] == [{"priority": "1 - Critical"}, {"priority": "2 - High"}]


def test_a_repeated_state_is_no_new_event(tmp_path: Path) -> None:
    found = events(
        tmp_path,
        row("Active", "1/3/2016 08:00"),
        row("Active", "1/3/2016 08:05"),
        row("Resolved", "1/3/2016 09:00"),
        row("Resolved", "1/3/2016 09:30"),
        row("Closed", "6/3/2016 10:00"),
        row("Closed", "6/3/2016 10:01"),
    )
    assert [(each["type"], each["time"]) for each in found[3:]] == [
        ("ticket.resolved", "2016-03-01T09:00:00+00:00"),
        ("ticket.closed", "2016-03-06T10:00:00+00:00"),
    ]


@pytest.mark.parametrize("state", ["Awaiting User Info", "Awaiting Vendor", "Awaiting Problem", "Awaiting Evidence"])
def test_every_kind_of_waiting_is_pending(tmp_path: Path, state: str) -> None:
    found = events(tmp_path, row("Active", "1/3/2016 08:00"), row(state, "1/3/2016 08:05"))
    assert [(each["type"], each["data"]["status"]) for each in found[3:]] == [("ticket.status_changed", "pending")]


def test_the_numbering_starts_anew_with_each_incident(tmp_path: Path) -> None:
    found = events(tmp_path, row("New", "1/3/2016 08:00"), row("New", "1/3/2016 08:00", number="INC2"))
    assert [each["id"] for each in found] == ["INC1/00001", "INC2/00001"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (row("New", "31/2/2016 08:00"), "line 3, field sys_updated_at: '31/2/2016 08:00' cannot be read: a time written d/m/yyyy HH:MM is"),
        (row("New", "2016-03-01 08:00"), "line 3, field sys_updated_at: '2016-03-01 08:00' cannot be read: a time written d/m/yyyy HH:MM"),
        (row("Open", "1/3/2016 08:00"), "line 3, field incident_state: 'Open' cannot be read: one of New, Active, Awaiting User Info, "),
        (row("New", "1/3/2016 08:00", number=""), "line 3, field number: '' cannot be read: a value is expected"),
        ("INC1,New", "line 3, field active: 2 values where the header has 36 columns; mend the row or remove it"),
    ],
)
def test_a_bad_row_is_an_error_with_line_field_and_remedy(tmp_path: Path, bad: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        events(tmp_path, row("New", "1/3/2016 08:00"), bad)
    assert str(caught.value).startswith(f"{tmp_path / 'incidents.csv'}, {message}")


def test_an_incident_whose_rows_are_torn_apart_is_an_error(tmp_path: Path) -> None:
    # Its numbering would start again, and two events would share an id.
    torn = [row("New", "1/3/2016 08:00"), row("New", "1/3/2016 08:00", number="INC2"), row("Active", "1/3/2016 08:01")]
    with pytest.raises(SourceError, match="line 4, field number: 'INC1' cannot be read: the rows of an incident must stand together"):
        events(tmp_path, *torn)
