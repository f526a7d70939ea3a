"""`firstline report` on a recording small enough to count by hand."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.command import Firstline


def event(time: str, subject: str, kind: str, **data: Any) -> str:
    envelope = {"specversion": "1.0", "id": f"{subject}/{kind}", "source": "t", "type": kind, "time": time, "subject": subject}
    return json.dumps(envelope | {"data": data})


# Two calls on Monday, answered after 10 s (PS) and 30 s (NE); one on Tuesday, abandoned after 65 s (PS). Times in Berlin.
LINES = [
    event("2026-03-02T09:00:00+01:00", "a", "call.queued", queue="PS"),
    event("2026-03-02T09:00:10+01:00", "a", "call.answered", agent="Ann"),
    event("2026-03-02T09:05:10+01:00", "a", "call.ended"),
    event("2026-03-02T09:30:00+01:00", "b", "call.queued", queue="NE"),
    event("2026-03-02T09:30:30+01:00", "b", "call.answered", agent="Bob"),
    event("2026-03-02T10:00:00+01:00", "b", "call.ended"),
    event("2026-03-03T09:00:00+01:00", "c", "call.queued", queue="PS"),
    event("2026-03-03T09:01:05+01:00", "c", "call.missed", outcome="abandoned"),
    event("2026-03-03T09:01:05+01:00", "c", "call.ended"),
]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "calls.jsonl"
    path.write_text("\n".join(LINES) + "\n")
    return path


def figures(report: bytes, kpi: str, key: str = "value") -> list[Any]:
    rows = json.loads(report)["rows"]
    return [(tuple(row["segment"].values()), row["start"][:16], row["end"][11:], row["kpis"][kpi][key]) for row in rows]


def test_the_whole_recording_is_one_row_to_the_millisecond_after_its_last_event(recording: Path, firstline: Firstline) -> None:
    ended = firstline("report", recording, "--format", "json", "--kpi", "offered", "--kpi", "service_level,first_response_time")
    assert (ended.code, ended.err) == (0, "")
    report = json.loads(ended.out)
    frt = report["rows"][0]["kpis"].pop("first_response_time")
    assert report == {
        "format": "firstline.report/1",
        "at": "2026-03-03T09:01:05.001+01:00",
        "policy": "default",
        "input": {"events": 9, "duplicates": 0, "conflicts": 0, "dead_letters": 0, "retracted": 0},
        "rows": [
            {
                "segment": {},
                "start": "2026-03-02T09:00:00+01:00",
                "end": "2026-03-03T09:01:05.001+01:00",
                "kpis": {
                    "offered": {"value": 3},
                    "service_level": {
                        "value": 1 / 3,
                        "numerator": 1,
                        "n": 3,
                        # The miss came after 20 s, so no formula leaves it out but the one of the answered.
                        "variants": {"included": 1 / 3, "ignored": 1 / 3, "positive": 1 / 3, "handled_only": 0.5},
                    },
                },
            }
        ],
    }
    assert (frt["n"], frt["sum"], frt["mean"], frt["max"]) == (2, 40.0, 20.0, 30.0)


def test_rows_come_by_segmentation_as_given_then_segment_then_start(recording: Path, firstline: Firstline) -> None:
    ended = firstline("report", recording, "--format", "json", "--by", "queue", "--by", "channel", "--window", "day")
    assert figures(ended.out, "offered") == [
        (("NE",), "2026-03-02T00:00", "00:00:00+01:00", 1),
        (("NE",), "2026-03-03T00:00", "09:01:05.001+01:00", 0),
        (("PS",), "2026-03-02T00:00", "00:00:00+01:00", 1),
        (("PS",), "2026-03-03T00:00", "09:01:05.001+01:00", 1),
        (("call",), "2026-03-02T00:00", "00:00:00+01:00", 2),
        (("call",), "2026-03-03T00:00", "09:01:05.001+01:00", 1),
    ]


def test_with_at_there_is_one_rolling_row_of_what_had_happened_by_then(recording: Path, firstline: Firstline) -> None:
    at = ("report", recording, "--format", "json", "--at", "2026-03-02T09:30:20")
    assert figures(firstline(*at, "--window", "15m").out, "offered") == [((), "2026-03-02T09:15", "09:30:20+01:00", 1)]
    assert figures(firstline(*at, "--window", "day").out, "offered") == [((), "2026-03-02T00:00", "09:30:20+01:00", 2)]
    assert figures(firstline(*at).out, "offered") == [((), "2026-03-02T09:00", "09:30:20+01:00", 2)]
    assert figures(firstline(*at, "--from", "2026-03-02T09:29").out, "waiting") == [((), "2026-03-02T09:29", "09:30:20+01:00", 1)]
    assert json.loads(firstline(*at).out)["input"]["events"] == 4


def test_hours_and_weekdays_are_dimensions(recording: Path, firstline: Firstline) -> None:
    ended = firstline("report", recording, "--format", "json", "--by", "weekday,hour")
    assert [(segment, value) for segment, _, _, value in figures(ended.out, "offered")] == [
        (("mon", "09"), 2), (("mon", "10"), 0), (("tue", "09"), 1),
    ]  # fmt: skip


def test_the_same_events_give_the_same_bytes_in_whatever_order_and_files(recording: Path, firstline: Firstline, tmp_path: Path) -> None:
    for form in ("json", "csv", "table"):
        first = firstline("report", recording, "--by", "queue", "--window", "1h", "--format", form).out
        lines = list(LINES)
        for seed in range(5):
            random.Random(seed).shuffle(lines)
            (tmp_path / "x").write_text("\n".join(lines[:4]))
            (tmp_path / "y").write_text("\n".join(lines[4:]))
            assert firstline("report", tmp_path / "x", tmp_path / "y", "--by", "queue", "--window", "1h", "--format", form).out == first


def test_csv_has_a_column_for_every_number(recording: Path, firstline: Firstline) -> None:
    ended = firstline("report", recording, "--format", "csv", "--by", "queue", "--kpi", "offered", "--kpi", "missed_rate")
    assert ended.out.decode() == (
        "by,segment.queue,start,end,offered.value,missed_rate.value,missed_rate.numerator,missed_rate.n\n"
        "queue,NE,2026-03-02T09:00:00+01:00,2026-03-03T09:01:05.001+01:00,1,0.0,0,1\n"
        "queue,PS,2026-03-02T09:00:00+01:00,2026-03-03T09:01:05.001+01:00,2,0.5,1,2\n"
    )


def test_a_table_of_one_row_lists_its_kpis_with_what_they_are_made_of(recording: Path, firstline: Firstline) -> None:
    lines = [line.rstrip() for line in firstline("report", recording).out.decode().splitlines()]
    assert lines[0] == "at 2026-03-03T09:01:05.001+01:00 (Europe/Berlin) · policy default · 9 events"
    assert [" ".join(line.split()) for line in lines[2:5]] == ["offered 3", "answered 2", "missed 1"]
    level = "service level 33.3 % 1 of 3 · included 33.3 % · ignored 33.3 % · positive 33.3 % · handled only 50.0 %"
    assert " ".join(lines[5].split()) == level
    assert " ".join(lines[7].split()).startswith("first response time 0:20 n 2 · p50 0:10 · p90 0:30")
    assert lines[-1].split() == ["longest", "wait", "–"]


def test_a_table_of_many_rows_has_a_line_each_and_a_dash_for_no_value(recording: Path, firstline: Firstline) -> None:
    out = firstline("report", recording, "--by", "queue", "--window", "day", "--kpi", "offered,first_response_time").out.decode()
    assert [line.split() for line in out.splitlines()[1:]] == [
        ["queue", "from", "offered", "first", "response", "time,", "mean", "p90"],
        ["NE", "2026-03-02", "00:00", "1", "0:30", "0:30"],
        ["NE", "2026-03-03", "00:00", "0", "–", "–"],
        ["PS", "2026-03-02", "00:00", "1", "0:10", "0:10"],
        ["PS", "2026-03-03", "00:00", "1", "–", "–"],
    ]


def test_names_cannot_steer_the_terminal_but_are_left_as_they_are_for_programs(firstline: Firstline, tmp_path: Path) -> None:
    evil = "\x1b[2JA\0\n\u202eB"
    (tmp_path / "r").write_text("\n".join(event("2026-03-02T09:00:00Z", name, "call.queued", queue=name) for name in (evil, "Köln Süd")))
    (tmp_path / "policy.toml").write_text('version = "\\u001b[31mred"\n')
    args = ("report", tmp_path / "r", "--by", "queue", "--kpi", "offered", "--policy", tmp_path / "policy.toml")
    title, _, first, second = firstline(*args).out.decode().splitlines()
    assert title.split(" · ")[1:] == ["policy \\x1b[31mred", "2 events"]
    assert first.split() == ["\\x1b[2JA\\x00\\n\\u202eB", "2026-03-02", "10:00", "1"]
    assert second.split() == ["Köln", "Süd", "2026-03-02", "10:00", "1"]
    assert evil.encode() in firstline(*args, "--format", "csv").out
    assert [row["segment"]["queue"] for row in json.loads(firstline(*args, "--format", "json").out)["rows"]] == [evil, "Köln Süd"]


def test_messages_cannot_steer_the_terminal(firstline: Firstline, tmp_path: Path) -> None:
    (tmp_path / "r").write_text(event("2026-03-02T09:00:00Z", "a", "call.\x1b[2Jqueued") + "\n")
    ended = firstline("report", tmp_path / "r", "--strict")
    assert "\x1b" not in firstline("report", tmp_path / "r").err + ended.err
    assert ended.err.startswith(f"error: {tmp_path / 'r'}, line 1, field $.type: unknown_type: unknown event type 'call.\\x1b[2Jqueued'; ")


def test_one_of_a_kind_is_counted_in_the_singular(firstline: Firstline, tmp_path: Path) -> None:
    (tmp_path / "r").write_text(f"{LINES[0]}\n{LINES[0]}\noops\n")
    title = firstline("report", tmp_path / "r").out.decode().splitlines()[0]
    assert title.split(" · ")[2:] == ["1 event", "1 duplicate", "1 dead letter"]
    (tmp_path / "r").write_text(f"{LINES[0]}\n" * 3 + f"{LINES[1]}\noops\noops\n")
    title = firstline("report", tmp_path / "r").out.decode().splitlines()[0]
    assert title.split(" · ")[2:] == ["2 events", "2 duplicates", "2 dead letters"]


def test_no_event_is_no_row_and_no_failure(firstline: Firstline, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    ended = firstline("report", tmp_path / "empty", "--format", "json")
    assert (ended.code, ended.err) == (0, "note: no events, so no rows\n")
    assert json.loads(ended.out)["at"] is None
    assert json.loads(ended.out)["rows"] == []
    assert firstline("report", tmp_path / "empty", "--format", "csv").out == b"by,start,end\n"
    assert firstline("report", tmp_path / "empty").out == b""


def test_nothing_before_the_instant_is_said(recording: Path, firstline: Firstline) -> None:
    ended = firstline("report", recording, "--at", "2025-01-01", "--format", "json")
    assert (ended.code, ended.err) == (0, "note: no events before --at, so no rows\n")
    report = json.loads(ended.out)
    assert (report["at"], report["rows"], report["input"]["events"]) == ("2025-01-01T00:00:00+01:00", [], 0)


def test_a_window_that_is_not_used_is_said(recording: Path, firstline: Firstline) -> None:
    ended = firstline("report", recording, "--from", "2026-03-02", "--at", "2026-03-03", "--window", "1h", "--format", "json")
    assert ended.err == "note: --window 1h is not used: --from and --at are the row's start and end\n"
    assert figures(ended.out, "offered") == [((), "2026-03-02T00:00", "00:00:00+01:00", 2)]


def test_bad_lines_are_told_counted_and_written_out_untouched(recording: Path, firstline: Firstline, tmp_path: Path) -> None:
    bad = b'{"broken": \xff\n\0\0\n{"id":"1","source":"s","type":"call.queued","time":"2026-03-02T09:00:00Z"}\r\n'
    with recording.open("ab") as file:
        file.write(bad)
    kept = tmp_path / "kept"
    ended = firstline("report", recording, "--format", "json", "--dead-letters", kept)
    assert ended.code == 0
    assert json.loads(ended.out)["input"] == {"events": 9, "duplicates": 0, "conflicts": 0, "dead_letters": 3, "retracted": 0}
    told = ended.err.splitlines()
    assert [text.split(": ")[:3] for text in told[:3]] == [
        ["warning", f"{recording}, line 10, field $", "malformed"],
        ["warning", f"{recording}, line 11, field $", "malformed"],
        ["warning", f"{recording}, line 12, field $.subject", "missing_field"],
    ]
    assert told[3] == "warning: 3 bad lines left out: 2 malformed, 1 missing_field"
    assert kept.read_bytes() == bad

    ended = firstline("report", recording, "--strict")
    assert (ended.code, ended.out) == (2, b"")
    assert ended.err == told[0].replace("warning", "error") + "\n"


def test_the_policy_may_come_from_the_environment(
    recording: Path, firstline: Firstline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "policy.toml").write_text('version = "v7"\ntime_zone = "Asia/Tokyo"\n')
    monkeypatch.setenv("FIRSTLINE_POLICY", str(tmp_path / "policy.toml"))
    report = json.loads(firstline("report", recording, "--format", "json").out)
    assert (report["policy"], report["at"]) == ("v7", "2026-03-03T17:01:05.001+09:00")
    monkeypatch.setenv("FIRSTLINE_POLICY", "")
    assert json.loads(firstline("report", recording, "--format", "json").out)["policy"] == "default"
