"""The oracle on small literal cases whose answer a reader can check by hand, and on properties of the contract."""

import gzip
import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from . import Oracle, differences, figures
from .windows import parse

POLICY = 'version = "t"\ntime_zone = "Europe/Berlin"\n'
ZERO = datetime(2026, 6, 1, 10, tzinfo=UTC)


def clock(seconds: float) -> str:
    return datetime.fromtimestamp(ZERO.timestamp() + seconds, UTC).isoformat(timespec="milliseconds")


class Recording:
    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def add(self, kind: str, subject: str, second: float, *, id: str | None = None, **data: Any) -> "Recording":
        name = id or f"{len(self.lines):05}"
        self.lines.append({"id": name, "source": "s", "type": kind, "subject": subject, "time": clock(second), "data": data})
        return self

    def write(self, path: Path) -> list[Path]:
        path.write_text("".join(json.dumps(line) + "\n" for line in self.lines))
        return [path]


@pytest.fixture
def rec() -> Recording:
    return Recording()


def one(rec: Recording, folder: Path, policy: str = POLICY, **options: Any) -> dict[str, Any]:
    rows = figures(rec.write(folder / "r.jsonl"), policy, **options)
    assert len(rows) == 1
    kpis: dict[str, Any] = rows[0]["kpis"]
    return kpis


def call(rec: Recording, name: str, start: float, wait: float, *, answered: bool, **data: Any) -> None:
    rec.add("call.queued", name, start, queue="a", **data)
    rec.add("call.answered" if answered else "call.missed", name, start + wait, **({"agent": "x"} if answered else {}))
    rec.add("call.ended", name, start + wait + (60 if answered else 0))


def test_service_level_check_of_the_contract(rec: Recording, tmp_path: Path) -> None:
    for n in range(100):
        wait = 20 if n < 80 else 20.001  # exactly the threshold is within
        call(rec, f"c{n}", n * 100, wait, answered=n < 70 or n >= 80)
    level = one(rec, tmp_path)["service_level"]
    assert level["variants"] == pytest.approx({"included": 0.7, "ignored": 70 / 90, "positive": 0.8, "handled_only": 70 / 90})
    assert (level["value"], level["numerator"], level["n"]) == (0.7, 70, 100)
    by_mode = {"ignored": (70, 90), "positive": (80, 100), "handled_only": (70, 90)}
    for mode, expected in by_mode.items():
        policy = POLICY + f'[[targets]]\nservice_level = {{ missed = "{mode}" }}\n'
        level = one(rec, tmp_path, policy)["service_level"]
        assert (level["numerator"], level["n"]) == expected


def test_threshold_counts_when_it_passes_and_short_misses_leave(rec: Recording, tmp_path: Path) -> None:
    rec.add("call.queued", "late", 0, queue="a")
    rec.add("call.answered", "late", 100, agent="x")
    call(rec, "short", 0, 4.999, answered=False)
    at_threshold = one(rec, tmp_path, window="15m", at=clock(20))
    assert at_threshold["service_level"]["n"] == 0
    assert at_threshold["waiting"] == {"value": 1, "past_target": 0}
    assert at_threshold["abandon_rate"] == {"value": 0.0, "numerator": 0, "n": 1}
    assert at_threshold["missed_rate"] == {"value": 0.5, "numerator": 1, "n": 2}
    after = one(rec, tmp_path, window="15m", at=clock(20.001))
    assert after["service_level"]["n"] == 1
    assert after["frt_breaches"] == {"value": 1}
    assert after["longest_wait"] == {"value": 20.001}
    assert after["breaching_soon"] == {"value": 0}
    assert one(rec, tmp_path, window="1m", at=clock(110))["service_level"]["n"] == 0  # answered in it, expired before it


def test_ring_no_answer_transfer_and_legs(rec: Recording, tmp_path: Path) -> None:
    rec.add("call.queued", "c", 0, queue="a").add("call.ringing", "c", 2, agent="x").add("call.queued", "c", 8, queue="a")
    rec.add("call.answered", "c", 10, agent="x").add("call.held", "c", 20).add("call.resumed", "c", 25)
    rec.add("call.transferred", "c", 30, to_queue="b").add("call.queued", "c", 31, queue="b", visit="2")
    rec.add("call.answered", "c", 40, visit="2", agent="y").add("call.ended", "c", 100)
    kpis = one(rec, tmp_path)
    assert [kpis[name]["value"] for name in ("offered", "answered", "missed", "handled")] == [2, 2, 0, 1]
    assert kpis["speed_of_answer"]["sum"] == 19.0
    assert (kpis["first_response_time"]["n"], kpis["first_response_time"]["sum"]) == (1, 10.0)
    assert (kpis["talk_time"]["n"], kpis["talk_time"]["sum"]) == (1, 75.0)
    rows = figures([tmp_path / "r.jsonl"], POLICY, by=[["queue"], ["agent"]])
    talk = {next(iter(row["segment"].values())): row["kpis"]["talk_time"]["sum"] for row in rows}
    assert talk == {"a": 15.0, "b": 60.0, "x": 15.0, "y": 60.0}
    assert [row["kpis"]["offered"]["value"] for row in rows if "agent" in row["segment"]] == [0, 0]


def test_two_clocks_and_answers_known_late(rec: Recording, tmp_path: Path) -> None:
    rec.add("call.answered", "skew", 0, agent="x").add("call.queued", "skew", 5, queue="a").add("call.ended", "skew", 10)
    rec.add("call.queued", "back", 0, queue="a").add("call.ended", "back", 10).add("call.answered", "back", 12, agent="x")
    rec.add("call.answered", "direct", 0, agent="x").add("call.ended", "direct", 10)
    kpis = one(rec, tmp_path)
    assert [kpis[name]["value"] for name in ("offered", "answered", "missed", "handled")] == [2, 2, 0, 3]
    assert kpis["first_response_time"]["max"] == 12.0
    assert kpis["talk_time"]["sum"] == 20.0
    assert one(rec, tmp_path, window="15m", at=clock(11))["missed"] == {"value": 1}


def test_chat_hand_off_replies_and_next_response(rec: Recording, tmp_path: Path) -> None:
    rec.add("chat.started", "h", 0).add("chat.message", "h", 5, author="bot").add("chat.handed_off", "h", 30)
    rec.add("chat.message", "h", 40, author="agent", automatic=True).add("chat.message", "h", 50, author="agent", agent="x")
    rec.add("chat.message", "h", 60, author="customer").add("chat.message", "h", 70, author="customer")
    rec.add("chat.message", "h", 80, author="agent", public=False).add("chat.message", "h", 90, author="agent")
    rec.add("chat.ended", "h", 100)
    rec.add("chat.started", "gone", 0).add("chat.ended", "gone", 50)
    kpis = one(rec, tmp_path)
    assert kpis["first_response_time"]["sum"] == 20.0
    assert (kpis["next_response_time"]["n"], kpis["next_response_time"]["sum"]) == (1, 30.0)
    assert [kpis[name]["value"] for name in ("offered", "answered", "missed", "handled")] == [2, 1, 1, 1]
    assert kpis["talk_time"]["sum"] == 50.0
    assert kpis["sla_compliance"] == {"value": 1.0, "numerator": 1, "n": 1}


def test_ticket_steps_and_resolution_times(rec: Recording, tmp_path: Path) -> None:
    policy = POLICY + '[[targets]]\nmatch = { channel = "t?cket" }\nresolution = "1h"\n'
    hour = 3600
    rec.add("ticket.opened", "t", 0, priority="low").add("ticket.message", "t", 60, author="agent", agent="x")
    rec.add("ticket.resolved", "t", hour, agent="x").add("ticket.closed", "t", hour + 1).add("ticket.reopened", "t", 2 * hour)
    rec.add("ticket.reopened", "t", 2 * hour + 1).add("ticket.closed", "t", 3 * hour, agent="y")
    rec.add("ticket.opened", "late", 50 * hour).add("ticket.resolved", "late", 50 * hour - 1)
    rec.add("ticket.opened", "merged", 0).add("ticket.merged", "merged", 7200, into="t")
    rec.add("ticket.opened", "open", 0)
    kpis = one(rec, tmp_path, policy)
    assert [kpis[name]["value"] for name in ("opened", "resolved", "reopened", "backlog", "handled")] == [4, 3, 1, 1, 1]
    assert kpis["resolution_time"]["sum"] == 3 * hour
    assert kpis["resolution_time"]["variants"]["first"]["sum"] == hour
    assert kpis["sla_compliance"] == {"value": 2 / 3, "numerator": 2, "n": 3}
    assert kpis["frt_breaches"] == {"value": 1}  # "open"; "merged" left before its 4 h
    reopened = one(rec, tmp_path, policy, window="4h", at=clock(2.5 * hour))
    assert reopened["resolution_time"]["n"] == 0
    assert reopened["resolution_time"]["variants"]["first"]["n"] == 1
    assert reopened["backlog"] == {"value": 2, "by_age": {"1h": 0, "4h": 2, "1d": 0, "7d": 0, "older": 0}}
    assert reopened["net_flow"] == {"value": 0.5}
    assert reopened["time_to_drain"] == {"value": None, "forecast": True}


def test_agent_initiated_ticket_waits_for_its_customer(rec: Recording, tmp_path: Path) -> None:
    rec.add("ticket.opened", "t", 0, initiator="agent").add("ticket.message", "t", 1, author="agent")
    silent = one(rec, tmp_path)
    assert (silent["offered"]["value"], silent["waiting"]["value"], silent["backlog"]["value"]) == (0, 0, 1)
    rec.add("ticket.message", "t", 100, author="customer").add("ticket.message", "t", 160, author="agent")
    assert one(rec, tmp_path)["first_response_time"]["sum"] == 60.0


def test_source_deadlines_win_and_per_inquiry(rec: Recording, tmp_path: Path) -> None:
    rec.add("chat.started", "c", 0, due_first_response=clock(10)).add("chat.started", "d", 0)
    rec.add("chat.message", "d", 20, author="agent")
    kpis = one(rec, tmp_path, window="15m", at=clock(30))
    assert kpis["frt_breaches"] == {"value": 1}
    assert kpis["waiting"] == {"value": 1, "past_target": 1}
    assert kpis["average_response_time"] == {"value": 20.0, "numerator": 20.0, "n": 1, "variants": {"per_inquiry": 25.0}}


def test_retraction_duplicate_and_conflict(rec: Recording, tmp_path: Path) -> None:
    rec.add("call.queued", "c", 0, queue="a", id="q").add("call.queued", "c", 5, queue="b", id="q")  # the smaller time counts
    rec.add("call.missed", "c", 10, id="m").add("event.retracted", "c", 100, id="r", **{"source": "s"})
    rec.lines[-1]["data"]["id"] = "m"
    assert one(rec, tmp_path, window="15m", at=clock(100))["missed"] == {"value": 1}
    later = one(rec, tmp_path, window="15m", at=clock(100.001))
    assert (later["missed"]["value"], later["waiting"]["value"], later["longest_wait"]["value"]) == (0, 1, 100.001)
    rows = Oracle([tmp_path / "r.jsonl"], POLICY).figures(window="1m")
    assert [row["kpis"]["waiting"]["value"] for row in rows] == [0, 1]
    rows = Oracle([tmp_path / "r.jsonl"], POLICY, gauges_know_retractions=True).figures(window="1m")
    assert [row["kpis"]["waiting"]["value"] for row in rows] == [1, 1]


def test_windows_follow_the_clock_of_the_policy(rec: Recording, tmp_path: Path) -> None:
    rec.lines = [
        {"id": str(n), "source": "s", "type": "ticket.opened", "subject": f"t{n}", "time": time, "data": {}}
        for n, time in enumerate(("2026-10-24T23:30:00+02:00", "2026-10-25T23:30:00.000999+01:00"))
    ]
    paths = rec.write(tmp_path / "r.jsonl")
    days = figures(paths, POLICY, window="day")
    assert [(row["start"], row["end"]) for row in days] == [
        (parse("2026-10-24T00:00:00+02:00"), parse("2026-10-25T00:00:00+02:00")),
        (parse("2026-10-25T00:00:00+02:00"), parse("2026-10-25T23:30:00.001+01:00")),
    ]
    assert len(figures(paths, POLICY, window="1h")) == 26  # 23:00, and the 25 hours of the long day
    week = figures(paths, POLICY, window="week", at="2026-10-26T00:00:00+01:00")
    assert [row["start"] for row in week] == [parse("2026-10-19T00:00:00+02:00")]
    hours = figures(paths, POLICY, by=[["hour", "weekday"]])
    local = {tuple(row["segment"].values()): row["kpis"] for row in hours}
    assert list(local) == [("02", "sun"), ("23", "sat"), ("23", "sun")]  # the target passed at 02:30, the second time
    assert [kpis["opened"]["value"] for kpis in local.values()] == [0, 1, 1]
    assert [kpis["frt_breaches"]["value"] for kpis in local.values()] == [1, 0, 0]
    assert [kpis["backlog"]["value"] for kpis in local.values()] == [None] * 3


def test_bad_lines_are_no_events(rec: Recording, tmp_path: Path) -> None:
    rec.add("call.queued", "c", 0, queue="a").add("call.queued", "c2", 0, queue=5).add("chat.message", "c3", 0).add("x.y", "c", 9999)
    path = tmp_path / "r.jsonl.gz"
    text = "\n".join(["{nonsense", *(json.dumps(line) for line in rec.lines), "", "[]"])
    path.write_bytes(gzip.compress(text.encode()))
    row = figures([path], POLICY)[0]
    assert row["end"] - row["start"] == 1
    assert row["kpis"]["offered"] == {"value": 1}


def messy(seed: int) -> Recording:
    """Contradictory, repeated and taken back events in any order."""
    rng, rec = random.Random(seed), Recording()
    kinds = {
        "call": ["started", "queued", "queued", "ringing", "answered", "answered", "missed", "held", "resumed", "transferred", "ended"],
        "chat": ["started", "started", "handed_off", "queued", "answered", "message", "message", "message", "missed", "ended", "reopened"],
        "ticket": ["opened", "opened", "message", "message", "resolved", "resolved", "closed", "reopened", "merged"],
    }
    for number in range(120):
        channel = rng.choice(list(kinds))
        subject = f"{channel}{number}"
        for _ in range(rng.randrange(1, 9)):
            data: dict[str, Any] = {"into": "x", "to_queue": rng.choice("ab"), "author": rng.choice(["agent", "customer", "bot"])}
            if rng.random() < 0.5:
                data |= {"queue": "ab"[number % 2], "agent": rng.choice("xy")}
            if rng.random() < 0.2:
                data["visit"] = rng.choice("12")
            rec.add(f"{channel}.{rng.choice(kinds[channel])}", subject, rng.randrange(0, 600), **data)
            if rng.random() < 0.1:
                rec.add("event.retracted", subject, rng.randrange(0, 700))
                rec.lines[-1]["data"] = {"id": rec.lines[-2]["id"], "source": "s"}
    return rec


@pytest.mark.parametrize("seed", range(6))
def test_order_and_duplicates_change_nothing_and_segments_add_up(seed: int, tmp_path: Path) -> None:
    rec = messy(seed)
    paths = rec.write(tmp_path / "a.jsonl")
    rows = figures(paths, POLICY, window="1m")
    rng = random.Random(seed)
    rec.lines = rng.sample(rec.lines + rec.lines[:50], len(rec.lines) + 50)
    again = figures(rec.write(tmp_path / "b.jsonl"), POLICY, window="1m")
    assert rows == again
    total = figures(paths, POLICY)[0]["kpis"]
    segments = [row["kpis"] for row in figures(paths, POLICY, by=[["queue", "team"]])]
    for name in ("offered", "answered", "missed", "opened", "resolved", "reopened", "backlog", "waiting", "frt_breaches"):
        assert total[name]["value"] == sum(kpis[name]["value"] for kpis in segments)
        if name not in {"backlog", "waiting"}:
            assert total[name]["value"] == sum(row["kpis"][name]["value"] for row in rows)


@pytest.mark.parametrize("seed", range(6))
def test_gauges_of_a_past_row_are_what_was_seen_then(seed: int, tmp_path: Path) -> None:
    oracle = Oracle(messy(seed).write(tmp_path / "r.jsonl"), POLICY)
    for row in oracle.figures(window="1m"):
        then = oracle.figures(window="1m", at=datetime.fromtimestamp(row["end"] / 1000, UTC).isoformat())[0]["kpis"]
        for name in ("waiting", "backlog", "longest_wait", "breaching_soon"):
            assert row["kpis"][name] == then[name], (row["end"], name)


def test_differences_see_what_matters(rec: Recording, tmp_path: Path) -> None:
    call(rec, "c", 0, 10, answered=True)
    rows = figures(rec.write(tmp_path / "r.jsonl"), POLICY)
    text = json.dumps([rows[0] | {"start": clock(0), "end": clock(70.001)}])

    def report() -> Any:
        product = json.loads(text)
        for figure in product[0]["kpis"].values():
            figure.update({name: figure[name] and figure[name][0] for name in ("p50", "p90", "p95") if name in figure})
        return product

    assert differences(report(), rows) == []
    for kpi, name, value in (("offered", "value", 2), ("first_response_time", "p50", 10.3), ("service_level", "n", 2)):
        product = report()
        product[0]["kpis"][kpi][name] = value
        assert len(differences(product, rows)) == 1
    assert len(differences([], rows)) == 1
    assert len(differences([*report(), report()[0] | {"segment": {"queue": "z"}}], rows)) == 1
