"""The real recordings: every published figure that can be counted straight from the events."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.connectors import convert
from streams.events import decode
from tests.acceptance.recordings import DATA

BANK = DATA / "calls_bank_1999"
SERVICENOW = DATA / "tickets_servicenow_2016" / "incident_event_log_part1.csv.gz"
IRC = DATA / "chats_ubuntu_irc" / "ubuntu_irc.csv.gz"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real recordings are not here ({DATA}); FIRSTLINE_DATA names their folder")

Subjects = dict[str, list[dict[str, Any]]]


def subjects(source: str, *files: Path) -> Subjects:
    """Events by interaction, sorted by (time, id); every one has been accepted by the event contract and is unique."""
    found: Subjects = {}
    keys: set[tuple[str, str]] = set()
    for line in convert(source, files):
        decode(line)
        event = msgspec.json.decode(line)
        event["at"] = datetime.fromisoformat(event["time"])
        found.setdefault(event["subject"], []).append(event)
        assert (event["id"], event["source"]) not in keys
        keys.add((event["id"], event["source"]))
    for events in found.values():
        events.sort(key=lambda event: (event["at"], event["id"]))
    return found


def waits(calls: Subjects) -> Iterator[tuple[str, float]]:
    """(call.answered or call.missed, wait in seconds) of every offered call."""
    for events in calls.values():
        by_type = {event["type"]: event["at"] for event in events}
        for outcome in ("call.answered", "call.missed"):
            if outcome in by_type:
                yield outcome, (by_type[outcome] - by_type["call.queued"]).total_seconds()


def test_the_banks_january() -> None:
    calls = subjects("bank1999", BANK / "january_1999.tsv.gz")
    assert Counter(event["type"] for events in calls.values() for event in events) == {
        "call.started": 31359,
        "call.queued": 30161,
        "call.answered": 27060,
        "call.missed": 3101,
        "call.ended": 31359,
    }
    found = list(waits(calls))
    answered = [wait for outcome, wait in found if outcome == "call.answered"]
    missed = [wait for outcome, wait in found if outcome == "call.missed"]
    assert sum(wait <= 5 for wait in missed) == 195
    assert sum(wait <= 20 for wait in answered) == 16402
    assert sum(answered) == 947857.0
    assert max(answered) == 1500.0


def test_both_months_of_the_bank_share_no_call() -> None:
    calls = subjects("bank1999", BANK / "january_1999.tsv.gz", BANK / "february_1999.tsv.gz")
    found = list(waits(calls))
    answered = [wait for outcome, wait in found if outcome == "call.answered"]
    assert (len(found), len(answered), sum(answered), max(answered)) == (61286, 54222, 2055369.0, 1500.0)
    assert sum(wait <= 20 for wait in answered) == 32611
    talk = 0.0
    for events in calls.values():
        by_type = {event["type"]: event["at"] for event in events}
        if "call.answered" in by_type:
            talk += max(0.0, (by_type["call.ended"] - by_type["call.answered"]).total_seconds())
    assert talk == 9698606.0


def test_servicenow_is_reopened_reassigned_and_resolved_as_published() -> None:
    tickets = subjects("servicenow", SERVICENOW)
    per_ticket = [Counter(event["type"] for event in events) for events in tickets.values()]
    assert len(tickets) == 12000
    assert [sum(c["ticket.reopened"] > 0 for c in per_ticket), sum(c["ticket.reopened"] for c in per_ticket)] == [154, 185]
    assert [sum(c["ticket.assigned"] > 0 for c in per_ticket), sum(c["ticket.assigned"] for c in per_ticket)] == [6344, 13675]

    first_responses = first_solves = last_solves = solves = 0
    for events in tickets.values():
        opened = next(event["at"] for event in events if event["type"] == "ticket.opened")
        reply = next(event["at"] for event in events if event["type"] == "ticket.message")
        first_responses += max(0, (reply - opened) // timedelta(seconds=1))
        times = [max(0, (at - opened) // timedelta(seconds=1)) for is_open, at in steps(events) if not is_open]
        solves += len(times)
        first_solves += times[0]
        last_solves += times[-1]
    assert (solves, first_responses, first_solves, last_solves) == (12185, 1962246780, 8803316940, 8918437320)


def steps(events: list[dict[str, Any]]) -> Iterator[tuple[bool, datetime]]:
    """(open or resolved, since when) at each change."""
    is_open = False
    for event in events:
        if event["type"] in ("ticket.opened", "ticket.reopened") and not is_open:
            is_open = True
            yield True, event["at"]
        elif event["type"] in ("ticket.resolved", "ticket.closed") and is_open:
            is_open = False
            yield False, event["at"]


def test_the_backlog_of_servicenow() -> None:
    tickets = subjects("servicenow", SERVICENOW)
    backlog = {}
    for day in ("2016-03-07", "2016-03-14", "2016-03-24"):
        instant = datetime.fromisoformat(day + "T00:00:00+00:00")
        before = ([is_open for is_open, since in steps(events) if since < instant] for events in tickets.values())
        backlog[day] = sum(bool(states) and states[-1] for states in before)
    assert backlog == {"2016-03-07": 983, "2016-03-14": 1589, "2016-03-24": 1587}


def test_ubuntu_irc_is_offered_and_answered_as_published() -> None:
    chats = subjects("ubuntu-irc", IRC)
    seconds = []
    for events in chats.values():
        assert events[0]["type"] == "chat.started"
        reply = next((event["at"] for event in events if event["data"].get("author") == "agent"), None)
        if reply is not None:
            seconds.append((reply - events[0]["at"]).total_seconds())
    assert (len(chats), len(seconds), sum(seconds), max(seconds)) == (8568, 4134, 318420.0, 3960.0)
    assert sum(wait <= 60 for wait in seconds) == 3371
    last = max(event["at"] for events in chats.values() for event in events)
    oldest = min(events[0]["at"] for events in chats.values() if all(e["data"].get("author") != "agent" for e in events))
    assert (last - oldest).total_seconds() == 415810140.0
