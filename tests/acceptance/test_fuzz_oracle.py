"""Recordings as no centre should send them: the report equals the oracle, the live view the report, and every visit is accounted for."""

import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams import policy as policies
from streams.calendar_time import from_rfc3339
from streams.events import Event, decode
from streams.figures import figures
from streams.kpis.kpi import Row
from streams.open_items import OpenSummary
from streams.recording import Recording
from streams.rollup import Rollup
from streams.tally import Tally
from tests import weird
from tests.compared import Compared, product_rows, recording_of
from tests.event_sets import EventSets

SECOND = 1_000


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "kind", [{"visits": False}, {"visits": True}, {"visits": False, "mixed": True}], ids=["plain", "named visits", "channels mixed"]
)
def test_the_report_equals_the_oracle(seed: int, kind: dict[str, bool], tmp_path: Path) -> None:
    path = tmp_path / "weird.jsonl"
    path.write_bytes(b"\n".join(weird.lines_of(weird.centre(seed, 80, **kind))))
    compared = Compared([path], weird.POLICY)
    chance = random.Random(seed)
    found = compared.differences("all", [["tenant"], ["queue", "agent", "team"], ["hour", "priority"]])
    found += compared.differences("5s", [["queue"], []])
    for _ in range(2):
        at = weird.START + chance.randrange(SECOND, 120 * SECOND)
        found += compared.differences("all", [["tenant"]], at=at)
        found += compared.differences(chance.choice(["1m", "15m", "day"]), [["channel"], ["team"], ["language"]], at=at)
    assert not found, (seed, kind, found[:5])


@pytest.mark.parametrize("seed", range(6))
def test_the_live_view_equals_the_report_at_any_instant(seed: int) -> None:
    chance = random.Random(seed)
    lines = weird.lines_of(weird.centre(seed + 1000, 25, visits=bool(seed % 2), mixed=seed % 3 == 2))
    flow = [decode(line) for line in lines]
    if chance.random() < 0.5:
        flow.sort(key=lambda pair: pair[1].time)
    else:
        chance.shuffle(flow)
    centre = Centre()
    now = weird.START
    for subject, event in flow + chance.sample(flow, len(flow) // 10):
        centre.add(subject, event)
        if chance.random() < 0.05:
            now += chance.randrange(0, 8 * SECOND)
            centre.rows_at(now)
    for step in (0, 1, 20 * SECOND, 70 * SECOND, 3_600 * SECOND):
        now += step + 1
        centre.check(now, seed)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("by", [["queue"], ["priority"], ["queue", "priority"], ["channel"], ["language"]], ids=str)
def test_entered_is_answered_plus_every_other_exit_plus_waiting(seed: int, by: list[str]) -> None:
    recording = recording_of(weird.lines_of(weird.centre(seed + 2000, 60, visits=bool(seed % 2))))
    chance = random.Random(seed)
    for at in (None, *(weird.START + chance.randrange(SECOND, 120 * SECOND) for _ in range(5))):
        for row in product_rows(recording, policies.load(weird.POLICY), "all", [by], at=at):
            kpis = {name: figure.get("value") for name, figure in row["kpis"].items()}
            left = kpis["answered"] + kpis["missed"] + kpis["left_queue"]
            assert kpis["offered"] == left + kpis["waiting"], (seed, row["segment"], at)


class Centre:
    """One partition: sets of events, a view and a rollup."""

    def __init__(self) -> None:
        self.policy = policies.load(weird.POLICY)
        self.held = EventSets()
        self.view = self.held.view(self.policy)
        self.rollup = Rollup(self.policy, 1)
        self.tick = 0

    def add(self, subject: str, event: Event) -> None:
        self.held.put(subject, event)

    def rows_at(self, now: int) -> dict[tuple[bytes, str], dict[str, Any]]:
        self.view.advance(now)
        self.tick += 1
        for key, packed in self.view.partials():
            self.rollup.put(0, 1, self.tick, key, packed)
        self.rollup.reached(0, 1, self.tick, now, self.policy.version, ended=True)
        assert self.rollup.ready() is not None
        return {(_key(key.by, key.values), key.window): row for key, row in self.rollup.rows.items()}

    def check(self, now: int, seed: int) -> None:
        rows = self.rows_at(now)
        recording = Recording()
        for subject, events in self.held.sets.items():
            for event in events:
                recording.add(subject, event)
        for window in self.policy.windows:
            live = {key: row for (key, name), row in rows.items() if name == window.name and from_rfc3339(row["end"]) == now}
            if not live:  # a row that nothing changes states an earlier end
                continue
            start = from_rfc3339(next(iter(live.values()))["start"])
            for row in product_rows(recording, self.policy, "all", self.policy.row_segmentations, start=start, at=now):
                found = live.pop(_key(tuple(row["segment"]), tuple(row["segment"].values())), None)
                assert found is None or found["kpis"] == row["kpis"], (seed, window.name, row["segment"], now)
            for key, row in live.items():  # segments that were left again
                assert row["kpis"] == figures(Row(Tally(), OpenSummary(), start, now)), (seed, window.name, key)


def _key(by: tuple[str, ...], values: tuple[str | None, ...]) -> bytes:
    return msgspec.msgpack.encode((by, values))
