"""Generated recordings: the same bytes for the same seed, good events, a believable centre."""

import os
import subprocess
import sys
from collections import Counter
from datetime import datetime
from hashlib import sha256
from itertools import islice, pairwise
from typing import Any

import msgspec
import pytest

from agents.synthetic import DEFAULT_START, ScenarioName, generate
from streams.errors import FirstlineError
from streams.events import decode

NINE, NOON = 9 * 3_600_000, 12 * 3_600_000
Recording = list[dict[str, Any]]


def recording(scenario: ScenarioName, days: float = 1, seed: int = 7) -> Recording:
    """Decoded events, with `ms` since the start; each has passed the event contract's own decoder."""
    start = int(DEFAULT_START.timestamp() * 1000)
    found = []
    for line in generate(seed, days, scenario):
        subject, accepted = decode(line)
        event = msgspec.json.decode(line)
        assert subject == event["subject"]
        found.append(event | {"ms": accepted.time - start})
    return found


@pytest.fixture(scope="module")
def calm() -> Recording:
    return recording("calm")


def by_subject(events: Recording) -> dict[str, Recording]:
    found: dict[str, Recording] = {}
    for event in events:
        found.setdefault(event["subject"], []).append(event)
    return found


def waits(events: Recording) -> list[tuple[int, float, bool]]:
    """(queue entry in ms since the start, wait in s, answered) of every finished queue visit of a call."""
    found = []
    for story in by_subject(events).values():
        entered: dict[str, int] = {}
        for event in story:
            visit = event["data"].get("visit")
            if event["type"] == "call.queued":
                entered.setdefault(visit, event["ms"])
            elif event["type"] in ("call.answered", "call.missed"):
                found.append((entered[visit], (event["ms"] - entered[visit]) / 1000, event["type"] == "call.answered"))
    return found


def service_level(found: list[tuple[int, float, bool]]) -> float:
    return sum(answered and wait <= 20 for _, wait, answered in found) / len(found)


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    script = (
        "import hashlib; from agents.synthetic import generate; "
        "print(hashlib.sha256(b''.join(generate(7, 0.45, 'outage'))).hexdigest())"
    )  # fmt: skip
    here = sha256(b"".join(generate(7, 0.45, "outage"))).hexdigest()
    for hash_seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": "Asia/Tokyo"},
            capture_output=True,
            text=True,
        )
        assert run.stdout.strip() == here, run.stderr


def test_another_seed_gives_another_recording() -> None:
    assert sha256(b"".join(generate(7, 0.45, "calm"))).digest() != sha256(b"".join(generate(8, 0.45, "calm"))).digest()


def test_a_longer_recording_begins_like_a_shorter_one() -> None:
    short = list(generate(7, 0.4, "calm"))
    assert list(islice(generate(7, 2, "calm"), len(short))) == short


def test_events_come_in_time_order_within_the_time_asked_for(calm: Recording) -> None:
    assert all(one["ms"] <= other["ms"] for one, other in pairwise(calm))
    assert calm[0]["ms"] >= 0
    assert calm[-1]["ms"] < 86_400_000


def test_a_business_day_has_some_twenty_thousand_events(calm: Recording) -> None:
    assert 18_000 < len(calm) < 26_000


def test_every_part_of_the_contract_that_a_centre_lives_occurs() -> None:
    kinds = Counter(event["type"] for event in recording("calm", days=4))
    assert sorted(kinds) == [
        "call.answered", "call.ended", "call.held", "call.missed", "call.queued", "call.resumed", "call.ringing", "call.started",
        "call.transferred", "call.wrapped_up",
        "chat.answered", "chat.ended", "chat.handed_off", "chat.message", "chat.missed", "chat.queued", "chat.reopened", "chat.started",
        "chat.wrapped_up",
        "ticket.assigned", "ticket.closed", "ticket.escalated", "ticket.merged", "ticket.message", "ticket.opened",
        "ticket.priority_changed", "ticket.reopened", "ticket.resolved", "ticket.status_changed",
    ]  # fmt: skip


def test_events_carry_the_contracts_fields_and_nothing_personal(calm: Recording) -> None:
    assert {field for event in calm for field in event["data"]} == {
        "agent", "author", "automatic", "by", "customer", "customer_segment", "direction", "initiator", "into", "kind", "language",
        "medium", "outcome", "priority", "product", "public", "queue", "reason", "region", "status", "team", "to_queue", "visit",
    }  # fmt: skip
    assert not any(value is None for event in calm for value in event["data"].values())


def test_ids_are_unique_and_sort_in_the_order_of_events(calm: Recording) -> None:
    for story in by_subject(calm).values():
        ids = [event["id"] for event in story]
        assert ids == sorted(set(ids))


def test_a_call_has_one_fate_in_each_queue_visit(calm: Recording) -> None:
    for subject, story in by_subject(calm).items():
        if not subject.startswith("call"):
            continue
        fates = Counter(event["data"]["visit"] for event in story if event["type"] in ("call.answered", "call.missed"))
        queued = {event["data"]["visit"] for event in story if event["type"] == "call.queued"}
        assert set(fates) <= queued
        assert set(fates.values()) <= {1}
        assert [event["type"] for event in story].count("call.ended") <= 1


def test_an_agent_has_one_call_at_a_time(calm: Recording) -> None:
    talking: dict[str, str] = {}
    for event in calm:
        subject = event["subject"]
        if event["type"] == "call.answered":
            assert event["data"]["agent"] not in talking.values()
            talking[subject] = event["data"]["agent"]
        elif event["type"] in ("call.ended", "call.transferred"):
            talking.pop(subject, None)


def test_an_overlooked_call_rings_elsewhere_within_the_same_visit(calm: Recording) -> None:
    rings = [
        Counter(event["data"]["visit"] for event in story if event["type"] == "call.ringing")
        for subject, story in by_subject(calm).items()
        if subject.startswith("call")
    ]
    assert any(count == 2 for each in rings for count in each.values())


def test_bots_and_systems_are_automatic_and_people_are_not(calm: Recording) -> None:
    messages = {(e["data"]["author"], e["data"].get("automatic"), "agent" in e["data"]) for e in calm if e["type"].endswith(".message")}
    assert messages == {("bot", True, False), ("system", True, False), ("customer", None, False), ("agent", None, True)}


def test_a_calm_day_meets_the_targets(calm: Recording) -> None:
    assert 0.85 < service_level(waits(calm)) < 0.95


def test_an_understaffed_monday_misses_the_target_in_the_morning_and_recovers() -> None:
    found = waits(recording("monday"))
    assert service_level([wait for wait in found if NINE <= wait[0] < NOON]) < 0.5
    assert service_level([wait for wait in found if wait[0] >= NOON + 1_800_000]) > 0.8


def test_an_outage_makes_callers_wait_and_passes() -> None:
    day = recording("outage")
    # 40 % to 60 % of the day are 09:36 to 14:24.
    began, ended = 34_560_000, 51_840_000
    found = waits(day)
    inside = [wait for wait in found if began + 900_000 <= wait[0] < ended]
    after = [wait for wait in found if wait[0] >= ended + 3_600_000]
    assert sum(wait for _, wait, _ in inside) / len(inside) > 5 * sum(wait for _, wait, _ in after) / len(after)
    assert service_level(inside) < 0.5
    assert service_level(after) > 0.85
    reasons = Counter(
        event["data"].get("reason") == "outage" for event in day if began <= event["ms"] < ended and event["type"] == "call.wrapped_up"
    )
    assert reasons[True] > 100


def test_a_recording_may_begin_at_any_hour_in_full_swing() -> None:
    start = datetime.fromisoformat("2026-03-04T11:00:00+01:00")
    first = [msgspec.json.decode(line) for line in generate(7, 0.01, "calm", start)]
    assert [event["type"] for event in first if event["time"] < "2026-03-04T10:02:00Z"].count("call.queued") > 1
    # What began before is not half told.
    assert {story[0]["type"] for story in by_subject(first).values()} == {"call.started", "chat.started", "ticket.opened"}


def test_wrong_use_is_named_with_its_remedy() -> None:
    with pytest.raises(FirstlineError, match="option scenario: 'storm' is not known; use one of calm, monday, outage"):
        next(generate(1, 1, "storm"))  # type: ignore[arg-type]
    with pytest.raises(FirstlineError, match=r"argument start: 2026-03-04T11:00:00 has no time zone; add one"):
        next(generate(1, 1, "calm", datetime.fromisoformat("2026-03-04T11:00:00")))
