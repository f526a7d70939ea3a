"""`auto_close`: what has been silent for so long is closed by the policy, and counted."""

from typing import Any

from streams import policy as policies
from streams.aggregator import Aggregator
from streams.events import make
from streams.recording import Input, Recording
from streams.report import report

HOUR = 3_600_000
START = 1_790_000_000_000
POLICY = policies.load('auto_close = { chat = "24h" }\nsegments = []\n')


def kpis(at: int, *events: tuple[str, int, dict[str, Any]]) -> dict[str, Any]:
    recording = Recording()
    for number, (kind, time, data) in enumerate(events):
        recording.add("c1", make(kind, START + time, str(number), "test", **data))
    aggregator = Aggregator(POLICY, START + at, [(START, START + at)], [()])
    report(recording, aggregator, Input())
    found: dict[str, Any] = aggregator.rows()[0]["kpis"]
    return found


def test_a_silent_chat_is_closed_after_the_time_of_the_policy() -> None:
    chat = ("chat.started", 0, {}), ("chat.message", HOUR, {"author": "customer"})
    assert kpis(25 * HOUR, *chat)["backlog"]["value"] == 1
    closed = kpis(25 * HOUR + 1, *chat)
    assert (closed["backlog"]["value"], closed["waiting"]["value"], closed["auto_closed"]["value"]) == (0, 0, 1)
    assert (closed["offered"]["value"], closed["left_queue"]["value"], closed["missed"]["value"]) == (1, 1, 0)
    assert closed["handled"]["value"] == 0


def test_a_message_keeps_it_open() -> None:
    row = kpis(30 * HOUR, ("chat.started", 0, {}), ("chat.message", 23 * HOUR, {"author": "customer"}))
    assert (row["backlog"]["value"], row["auto_closed"]["value"]) == (1, 0)


def test_other_channels_stay_open() -> None:
    assert kpis(1000 * HOUR, ("ticket.opened", 0, {}))["backlog"]["value"] == 1
