"""The incident event log of a ServiceNow instance (UCI no. 498): one comma-separated row an update, times `d/m/yyyy HH:MM` in UTC.

Events are the differences between the rows of an incident, which stand together. Times have whole minutes, so the events of an incident
are numbered in the order of the file, and sorting by (time, id) gives that order back. `resolved_at`, `closed_at`, `closed_code` and
`resolved_by` hold the final value on every row, of which an earlier moment could not know: they are never read.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from agents.connectors.event import Event, event
from agents.connectors.table import Row, rows

DESCRIPTION = "incident event log of ServiceNow, 2016 (comma-separated, UTC)"
SOURCE = "servicenow"

_FIELDS = (
    "number", "incident_state", "reassignment_count", "reopen_count", "caller_id", "opened_at", "sys_updated_at", "contact_type",
    "location", "category", "priority", "assignment_group", "assigned_to",
)  # fmt: skip
_NEW = "New"
_STATUS = {
    _NEW: "new",
    "Active": "open",
    "Awaiting User Info": "pending",
    "Awaiting Vendor": "pending",
    "Awaiting Problem": "pending",
    "Awaiting Evidence": "pending",
}
_DONE = {"Resolved": "ticket.resolved", "Closed": "ticket.closed"}
_STATES = (*_STATUS, *_DONE)
_UNKNOWN = "?"
_TIME = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4}) ([0-9]{1,2}):([0-9]{2})")


def read(path: Path) -> Iterator[Event]:
    """The events of an export, in its order (by incident, not by time). Raises `SourceError` with file, line and field."""
    seen: set[str] = set()
    before: Row | None = None
    numbers = count(1)
    for row in rows(path, _FIELDS, ",", quoted=True):
        incident = row.filled("number")
        if before is None or before["number"] != incident:
            if incident in seen:
                raise row.fault(
                    "number", "the rows of an incident must stand together: sort the file by number, keeping the order of updates"
                )
            seen.add(incident)
            before, numbers = None, count(1)
        for kind, time, data in _changes(before, row):
            yield event(SOURCE, incident, f"{next(numbers):05d}", kind, time, **data)
        before = row


def _changes(before: Row | None, row: Row) -> Iterator[tuple[str, str, dict[str, str | bool | None]]]:
    """Type, time and data of what happened between two rows of an incident (`before` is None at its first)."""
    state = row.choice("incident_state", _STATES)
    updated = _time(row, "sys_updated_at")
    owner: dict[str, str | bool | None] = {"agent": row.known("assigned_to", _UNKNOWN), "team": row.known("assignment_group", _UNKNOWN)}
    priority = row.known("priority", _UNKNOWN)
    if before is None:
        medium = row.known("contact_type", _UNKNOWN)
        yield (
            "ticket.opened",
            _time(row, "opened_at"),
            {
                "initiator": "customer",
                "customer": row.known("caller_id", _UNKNOWN),
                "priority": priority,
                "reason": row.known("category", _UNKNOWN),
                "region": row.known("location", _UNKNOWN),
                "medium": medium.lower() if medium else None,
                **owner,
            },
        )
    old_state = _NEW if before is None else before["incident_state"]
    if row.count("reopen_count") > (0 if before is None else before.count("reopen_count")):
        yield "ticket.reopened", updated, owner
    if before is not None and row["priority"] != before["priority"]:
        yield "ticket.priority_changed", updated, {"priority": priority}
    if row.count("reassignment_count") > (0 if before is None else before.count("reassignment_count")):
        yield "ticket.assigned", updated, owner
    if state in _STATUS and _STATUS[state] != _STATUS.get(old_state):
        yield "ticket.status_changed", updated, {"status": _STATUS[state], **owner}
    # The log holds no messages: that somebody took the incident up is the first word its customer gets.
    if old_state == _NEW and state != _NEW:
        yield "ticket.message", updated, {"author": "agent", "public": True, **owner}
    if state in _DONE and state != old_state:
        yield _DONE[state], updated, owner


def _time(row: Row, field: str) -> str:
    match = _TIME.fullmatch(row[field])
    try:
        if match:
            day, month, year, hour, minute = map(int, match.groups())
            return datetime(year, month, day, hour, minute, tzinfo=UTC).isoformat()
    except ValueError:
        pass
    raise row.fault(field, "a time written d/m/yyyy HH:MM is expected")
