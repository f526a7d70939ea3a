"""Recordings as no centre should send them: contradictory attributes, any order, equal times, two clocks, things taken back."""

import json
import random
from typing import Any

from streams.events import from_ms

START = 1_790_000_000_000
"""A Monday, 15:33:20 in Berlin."""
POLICY = """
version = "weird"
breaching_soon = "15s"
segments = [["channel"], ["queue"], ["team"], ["agent"], ["tenant"], ["queue", "priority"], ["language"]]
[calendars.breaks]
hours = { mon = ["15:30-15:34", "15:35-15:36"], fri = ["00:00-24:00"] }
[[targets]]
match = { queue = "c" }
calendar = "breaks"
[[targets]]
match = { channel = "ticket" }
first_response = "25s"
resolution = "40s"
service_level = { within = "20s" }
[[targets]]
match = { channel = "chat" }
first_response = "15s"
service_level = { within = "20s", missed = "ignored" }
[[targets]]
match = { queue = "b" }
first_response = "10s"
service_level = { within = "10s", missed = "handled_only", short_missed = "0s" }
[[targets]]
match = { priority = "1" }
first_response = "none"
resolution = "none"
service_level = { missed = "positive" }
"""
KINDS = {
    "call": ["call.started", "call.queued", "call.queued", "call.ringing", "call.answered", "call.answered", "call.missed", "call.held",
             "call.resumed", "call.transferred", "call.ended", "call.wrapped_up", "callback.requested", "callback.attempted",
             "callback.completed"],
    "chat": ["chat.started", "chat.started", "chat.handed_off", "chat.queued", "chat.answered", "chat.message", "chat.message",
             "chat.message", "chat.message", "chat.missed", "chat.ended", "chat.ended", "chat.wrapped_up", "chat.reopened"],
    "ticket": ["ticket.opened", "ticket.opened", "ticket.message", "ticket.message", "ticket.message", "ticket.assigned",
               "ticket.status_changed", "ticket.priority_changed", "ticket.escalated", "ticket.resolved", "ticket.resolved",
               "ticket.closed", "ticket.reopened", "ticket.reopened", "ticket.merged", "ticket.deleted"],
}  # fmt: skip
FEEDBACK = ("survey.sent", "survey.responded", "review.submitted")
Line = dict[str, Any]


def interaction(chance: random.Random, subject: str, *, visits: bool = True, mixed: bool = False) -> list[Line]:
    """One interaction's events. Its tenant is its subject, so a report by tenant tells which one differs."""
    channel = chance.choice(list(KINDS))
    kinds = chance.sample(KINDS[channel], chance.randrange(2, len(KINDS[channel])))
    begins = {"call": ["call.queued"], "chat": ["chat.started"], "ticket": ["ticket.opened"]}[channel]
    step = chance.choice([500, 2_500, 5_000])
    out: list[Line] = []
    names = chance.random() < 0.3
    time = START + chance.randrange(0, 12) * 5_000
    for n in range(chance.randrange(1, 11)):
        kind = chance.choice(begins if n == 0 and chance.random() < 0.8 else kinds)
        if mixed and chance.random() < 0.05:
            kind = chance.choice(KINDS[chance.choice(list(KINDS))])
        if chance.random() < 0.05:
            kind = chance.choice(FEEDBACK)
        time += chance.choice([-1, 0, 0, 1, 1, 2, 3, 4, 8]) * step
        data = _data(chance, kind, visits and names)
        if n == 0 and kind == "ticket.opened" and chance.random() < 0.3:
            data["initiator"] = chance.choice(["agent", "customer"])
        out.append(_event(subject, kind, time, f"{chance.randrange(100):02}-{n}", data))
    for event in list(out):
        if chance.random() < 0.05:
            out.append(dict(event))
        if chance.random() < 0.03:
            other = {
                "time": _rfc3339(START + chance.randrange(0, 80_000)),
                "data": _data(chance, event["type"], visits and names) | {"tenant": subject},
            }
            out.append(event | other)  # of two contents of one id the earlier counts
        if not mixed and chance.random() < 0.04:
            out.append(_taken_back(chance, event, f"r{len(out)}"))
            if chance.random() < 0.3:
                out.append(_taken_back(chance, out[-1], f"r{len(out)}"))
    chance.shuffle(out)
    return out


def _event(subject: str, kind: str, time: int, ident: str, data: dict[str, Any]) -> Line:
    return {"id": ident, "source": "s", "type": kind, "subject": subject, "time": _rfc3339(time), "data": data | {"tenant": subject}}


def _rfc3339(ms: int) -> str:
    return from_ms(ms).isoformat(timespec="milliseconds")


def _taken_back(chance: random.Random, event: Line, ident: str) -> Line:
    data = {"id": event["id"], "source": event["source"]}
    time = _rfc3339(START + chance.randrange(0, 160_000))
    return {"id": ident, "source": "s", "type": "event.retracted", "subject": event["subject"], "time": time, "data": data}


def _data(chance: random.Random, kind: str, visits: bool) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name, values, share in (
        ("queue", "abc", 0.4), ("agent", "xy", 0.4), ("team", "mn", 0.3), ("priority", "12", 0.1), ("language", ("de", "en"), 0.1),
    ):  # fmt: skip
        if chance.random() < share:
            data[name] = chance.choice(values)
    if chance.random() < 0.02:
        data[chance.choice(["queue", "team", "agent", "priority", "language", "visit"])] = ""
    if visits and chance.random() < 0.6:
        data["visit"] = chance.choice("123")
    for name in ("due_first_response", "due_resolution"):
        if chance.random() < 0.04:
            data[name] = _rfc3339(START + chance.randrange(0, 30) * 5_000)
    verb = kind.partition(".")[2]
    if verb == "message":
        data["author"] = chance.choice(["customer", "customer", "agent", "agent", "agent", "bot", "system"])
        if chance.random() < 0.3:
            data[chance.choice(["public", "automatic"])] = chance.choice([True, False])
    elif verb == "transferred":
        data["to_queue"] = chance.choice("abc")
    elif verb == "missed" and chance.random() < 0.7:
        data["outcome"] = chance.choice(["abandoned", "timeout", "voicemail", "refused"])
    elif verb == "attempted":
        data["outcome"] = chance.choice(["answered", "busy", "no answer"])
    elif verb == "status_changed":
        data["status"] = chance.choice(["new", "open", "pending", "pending", "on_hold"])
    elif verb == "merged":
        data["into"] = "another"
    elif kind == "survey.responded":
        data |= {"kind": "csat", "score": 5}
    return data


def centre(seed: int, interactions: int, **options: bool) -> list[Line]:
    """A recording of weird interactions."""
    chance = random.Random(seed)
    return [event for n in range(interactions) for event in interaction(chance, f"s{n:03}", **options)]


def lines_of(events: list[Line]) -> list[bytes]:
    return [json.dumps(event).encode() for event in events]
