"""The live view against a report of the same events: any order, any batches, any clock steps."""

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import policy as policies
from streams.aggregator import Aggregator
from streams.calendar_time import from_rfc3339
from streams.events import Event, make
from streams.figures import figures
from streams.kpis.kpi import Row
from streams.open_items import OpenSummary
from streams.recording import Input, Recording
from streams.report import report
from streams.rollup import Rollup
from streams.tally import Tally
from tests.event_sets import EventSets

POLICY = policies.load(
    """
time_zone = "Europe/Berlin"
auto_close = { chat = "5m", call = "2m" }
segments = [["channel"], ["queue"], ["team"], ["agent"], ["queue", "priority"]]
[[targets]]
match = { channel = "ticket" }
resolution = "10m"
first_response = "2m"
"""
)
START = 1_790_000_000_000
QUEUES, AGENTS = ("sales", "support"), ("ann", "bob")


def call(subject: int, draw: Callable[[Any], Any]) -> list[Event]:
    t = START + draw(st.integers(0, 1800)) * 1000
    steps = [("call.queued", {"queue": draw(st.sampled_from(QUEUES))})]
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(
            st.sampled_from(
                [
                    "call.answered",
                    "call.ended",
                    "call.missed",
                    "call.transferred",
                    "call.held",
                    "call.resumed",
                    "call.queued",
                    "call.ringing",
                ]
            )
        )
        data: dict[str, Any] = {}
        if kind == "call.answered":
            data = {"agent": draw(st.sampled_from(AGENTS)), "team": draw(st.sampled_from(["red", "blue"]))}
        elif kind == "call.transferred":
            data = {"to_queue": draw(st.sampled_from(QUEUES))}
        elif kind == "call.queued":
            data = {"queue": draw(st.sampled_from(QUEUES))}
        if draw(st.booleans()):
            data["priority"] = draw(st.sampled_from(["1", "2"]))
        steps.append((kind, data))
    return _events(f"call-{subject}", t, steps, draw)


def conversation(subject: int, draw: Callable[[Any], Any]) -> list[Event]:
    t = START + draw(st.integers(0, 1800)) * 1000
    chat = draw(st.booleans())
    if chat:
        steps: list[tuple[str, dict[str, Any]]] = [("chat.started", {})]
        kinds = ["chat.message", "chat.handed_off", "chat.queued", "chat.answered", "chat.ended", "chat.reopened", "chat.missed"]
    else:
        steps = [("ticket.opened", draw(st.sampled_from([{}, {"initiator": "agent"}])))]
        kinds = ["ticket.message", "ticket.resolved", "ticket.reopened", "ticket.closed", "ticket.merged", "ticket.assigned"]
    for _ in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from(kinds))
        data: dict[str, Any] = {}
        if kind.endswith("message"):
            data = {"author": draw(st.sampled_from(["customer", "agent", "bot"])), "agent": draw(st.sampled_from(AGENTS))}
        elif kind.endswith("merged"):
            data = {"into": "x"}
        elif kind.endswith(("assigned", "queued")):
            data = {"queue": draw(st.sampled_from(QUEUES))}
        steps.append((kind, data))
    return _events(f"conversation-{subject}", t, steps, draw)


def _events(subject: str, t: int, steps: list[tuple[str, dict[str, Any]]], draw: Callable[[Any], Any]) -> list[Event]:
    out = []
    for n, (kind, data) in enumerate(steps):
        out.append(make(kind, t, f"{n}", subject, **data))
        t += draw(st.integers(-2, 90)) * 500
    if draw(st.integers(0, 4)) == 0:
        victim = draw(st.sampled_from(out))
        out.append(make("event.retracted", t, "r", subject, **{"id": victim.id, "source": victim.source}))
    return out


@st.composite
def centres(draw: Any) -> dict[str, list[Event]]:
    out: dict[str, list[Event]] = {}
    for n in range(draw(st.integers(1, 6))):
        out[f"s{n}"] = (call if draw(st.booleans()) else conversation)(n, draw)
    return out


def report_rows(events: dict[str, list[Event]], start: int, end: int) -> list[dict[str, Any]]:
    recording = Recording()
    for subject, each in events.items():
        for event in each:
            recording.add(subject, event)
    aggregator = Aggregator(POLICY, end, [(start, end)], POLICY.row_segmentations)
    report(recording, aggregator, Input())
    return aggregator.rows()


class Centre:
    """One partition: sets of events, a view and a rollup."""

    def __init__(self) -> None:
        self.held = EventSets()
        self.view = self.held.view(POLICY)
        self.rollup = Rollup(POLICY, 1)
        self.tick = 0

    def add(self, subject: str, event: Event) -> None:
        self.held.put(subject, event)

    def rows_at(self, now: int) -> dict[tuple[bytes, str], dict[str, Any]]:
        self.view.advance(now)
        self.tick += 1
        for key, packed in self.view.partials():
            self.rollup.put(0, 1, self.tick, key, packed)
        self.rollup.reached(0, 1, self.tick, now, POLICY.version, ended=True)
        snapshot = self.rollup.ready()
        assert snapshot is not None
        return {(msgspec.msgpack.encode((key.by, key.values)), key.window): row for key, row in self.rollup.rows.items()}


def check_against_report(centre: Centre, now: int) -> None:
    rows = centre.rows_at(now)
    for window in POLICY.windows:
        live = {key: row for (key, name), row in rows.items() if name == window.name}
        spans = {(row["start"], row["end"]) for row in live.values()}
        for start, end in spans:
            if from_rfc3339(end) != now:
                continue
            expected = report_rows(centre.held.sets, from_rfc3339(start), now)
            found = {key: row for key, row in live.items() if row["end"] == end}
            for row in expected:
                key = msgspec.msgpack.encode((tuple(row["segment"]), tuple(row["segment"].values())))
                if key in found:
                    assert found[key]["kpis"] == row["kpis"], (window.name, row["segment"], now)
                    del found[key]
            for key, row in found.items():  # segments that were left again
                assert row["kpis"] == figures(Row(Tally(), OpenSummary(), from_rfc3339(start), now)), (window.name, key)


@settings(max_examples=120, deadline=None)
@given(centres(), st.data())
def test_live_rows_equal_the_report_whatever_the_order_and_the_batches(events: dict[str, list[Event]], data: st.DataObject) -> None:
    flow = [(subject, event) for subject, each in events.items() for event in each]
    if data.draw(st.booleans()):
        flow.sort(key=lambda pair: pair[1].time)
    else:
        flow = data.draw(st.permutations(flow))
    flow += data.draw(st.lists(st.sampled_from(flow), max_size=4))
    centre = Centre()
    now = START + 1
    for subject, event in flow:
        centre.add(subject, event)
        if data.draw(st.integers(0, 3)) == 0:
            now += data.draw(st.integers(0, 400)) * 1000
            centre.rows_at(now)
    now += data.draw(st.integers(0, 4_000)) * 500
    check_against_report(centre, now)
    now += data.draw(st.sampled_from([500, 60_000, 3_600_000, 90_000_000]))
    centre.rows_at(now)
    check_against_report(centre, now + 500)


@settings(max_examples=40, deadline=None)
@given(centres(), st.data())
def test_a_view_kept_by_differences_equals_one_rebuilt(events: dict[str, list[Event]], data: st.DataObject) -> None:
    flow = data.draw(st.permutations([(subject, event) for subject, each in events.items() for event in each]))
    kept = Centre()
    now = START
    for subject, event in flow:
        kept.add(subject, event)
        now += data.draw(st.integers(0, 200)) * 500
        kept.rows_at(now)
    rebuilt = Centre()
    rebuilt.held.sets = kept.held.sets
    rebuilt.view = rebuilt.held.view(POLICY)
    now += 1000
    left, right = kept.rows_at(now), rebuilt.rows_at(now)
    for key, row in right.items():
        if row["end"] == left[key]["end"]:
            assert left[key]["kpis"] == row["kpis"]
