"""The report over the real recordings gives the figures computed by other code, also when they come shuffled, doubled, split and packed."""

import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from agents.connectors import convert
from tests.acceptance.recordings import DATA
from tests.command import Firstline

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real recordings are not here ({DATA}); FIRSTLINE_DATA names their folder")

FILES = {
    "bank1999": ["calls_bank_1999/january_1999.tsv.gz", "calls_bank_1999/february_1999.tsv.gz"],
    "servicenow": ["tickets_servicenow_2016/incident_event_log_part1.csv.gz"],
    "ubuntu-irc": ["chats_ubuntu_irc/ubuntu_irc.csv.gz"],
}
EXPECTED: list[dict[str, Any]] = json.loads((DATA / "expected.json").read_bytes()) if DATA.is_dir() else []
BANK = """
version = "bank"
time_zone = "Asia/Jerusalem"
week_starts = "sunday"
[[targets]]
match = { channel = "call" }
first_response = "20s"
[targets.service_level]
within = "20s"
short_missed = "0s"
"""


@pytest.fixture
def firstline(capsysbinary: pytest.CaptureFixture[bytes]) -> Firstline:
    return Firstline(capsysbinary)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("recordings")
    for source, files in FILES.items():
        with (folder / source).open("wb") as out:
            out.writelines(convert(source, [DATA / file for file in files]))
    return {source: folder / source for source in FILES}


@pytest.fixture(scope="module")
def disturbed(recordings: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, list[Path]]]:
    """Per recording how many events are in it twice, and three files of it in no order: plain, gzip and Zstandard."""
    out = {}
    for source, path in recordings.items():
        folder = tmp_path_factory.mktemp(source)
        lines = path.read_bytes().splitlines(keepends=True)
        chance = random.Random(source)
        twice = chance.sample(lines, len(lines) // 10)
        lines += twice
        chance.shuffle(lines)
        paths = [folder / "plain.jsonl", folder / "packed.jsonl.gz", folder / "packed.jsonl.zst"]
        for index, (part, pack) in enumerate(zip(paths, (bytes, lambda data: gzip.compress(data, 1), zstandard.compress), strict=True)):
            part.write_bytes(pack(b"".join(lines[index::3])))
        out[source] = len(twice), paths
    return out


def options(case: dict[str, Any], policy: Path) -> Iterator[str]:
    policy.write_text(case["policy"])
    yield from ("--policy", str(policy), "--window", case["window"], "--format", "json")
    for dims in case["by"]:
        yield from ("--by", ",".join(dims))
    if case["at"]:
        yield from ("--at", case["at"])


def differences(expected: Any, found: Any, path: str) -> Iterator[str]:
    """Where a figure is not the expected one. A list is the range of a percentile, which may be 2 % off."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            if not isinstance(found, dict) or key not in found:
                yield f"{path}.{key}: absent"
            else:
                yield from differences(value, found[key], f"{path}.{key}")
    elif isinstance(expected, list):
        if found is None or not expected[0] * 0.98 <= found <= expected[1] * 1.02:
            yield f"{path}: {found} is not in {expected}"
    elif isinstance(expected, float) and found is not None:
        if abs(expected - found) > 1e-12 * max(1.0, abs(expected)):
            yield f"{path}: {found} is not {expected}"
    elif expected != found:
        yield f"{path}: {found} is not {expected}"


def name(case: dict[str, Any]) -> str:
    by = "+".join(",".join(dims) for dims in case["by"]) or "centre"
    return f"{case['recording']} {case['window']} {by} {case['at'] or 'whole'}"


@pytest.mark.parametrize("case", EXPECTED, ids=name)
def test_every_expected_figure_to_the_digit_whatever_the_order_and_the_files(
    case: dict[str, Any], recordings: dict[str, Path], disturbed: dict[str, tuple[int, list[Path]]], firstline: Firstline, tmp_path: Path
) -> None:
    args = list(options(case, tmp_path / "policy.toml"))
    ended = firstline("report", recordings[case["recording"]], *args)
    assert (ended.code, ended.err) == (0, "")
    report = json.loads(ended.out)
    rows = {(json.dumps(row["segment"]), None if case["window"] == "all" else row["start"]): row["kpis"] for row in report["rows"]}
    assert len(rows) == len(report["rows"])
    for row in case["rows"]:
        start = None if case["window"] == "all" else next(text for text in starts(report) if starts(report)[text] == row["start_ms"])
        found = rows[json.dumps(row["segment"]), start]
        assert list(differences(row["kpis"], found, f"{row['segment']} {start}")) == []
    assert report["input"] | {"events": 0} == {"events": 0, "duplicates": 0, "conflicts": 0, "dead_letters": 0, "retracted": 0}

    twice, files = disturbed[case["recording"]]
    again = json.loads(firstline("report", *files, *args).out)
    assert again["rows"] == report["rows"]
    assert again["at"] == report["at"]
    if not case["at"]:
        assert again["input"] == report["input"] | {"duplicates": twice}


def starts(report: dict[str, Any]) -> dict[str, int]:
    """The starts of rows as text, with their milliseconds."""
    from datetime import datetime

    return {row["start"]: round(datetime.fromisoformat(row["start"]).timestamp() * 1000) for row in report["rows"]}


@pytest.fixture(scope="module")
def january(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("january") / "january.jsonl"
    with path.open("wb") as out:
        out.writelines(convert("bank1999", [DATA / FILES["bank1999"][0]]))
    return path


def test_the_published_figures_of_january(january: Path, firstline: Firstline, tmp_path: Path) -> None:
    policy = tmp_path / "bank.toml"
    policy.write_text(BANK)
    ended = firstline("report", january, "--policy", policy, "--format", "json")
    (row,) = json.loads(ended.out)["rows"]
    kpis = row["kpis"]
    assert (kpis["offered"]["value"], kpis["answered"]["value"], kpis["missed"]["value"]) == (30161, 27060, 3101)
    level = kpis["service_level"]
    assert (round(level["value"], 6), level["numerator"], level["n"]) == (0.543815, 16402, 30161)
    assert (round(level["variants"]["included"], 6), round(level["variants"]["handled_only"], 6)) == (0.543815, 0.606135)
    assert round(kpis["abandon_rate"]["value"], 6) == 0.102815
    assert (kpis["first_response_time"]["n"], kpis["first_response_time"]["sum"]) == (27060, 947857.0)
    assert round(kpis["first_response_time"]["mean"], 3) == 35.028

    # Without who hung up after 5 s or less: whole seconds, so less than 6.
    policy.write_text(BANK.replace('"0s"', '"6s"'))
    (row,) = json.loads(firstline("report", january, "--policy", policy, "--format", "json").out)["rows"]
    level = row["kpis"]["service_level"]
    assert (round(level["value"], 6), level["numerator"], level["n"]) == (0.547354, 16402, 30161 - 195)


def test_the_published_backlog_of_servicenow(recordings: dict[str, Path], firstline: Firstline) -> None:
    backlog = {}
    for day in ("2016-03-07", "2016-03-14", "2016-03-24"):
        ended = firstline("report", recordings["servicenow"], "--at", f"{day}T00:00:00Z", "--kpi", "backlog", "--format", "json")
        (row,) = json.loads(ended.out)["rows"]
        backlog[day] = row["kpis"]["backlog"]["value"]
    assert backlog == {"2016-03-07": 983, "2016-03-14": 1589, "2016-03-24": 1587}


def test_a_row_from_start_to_end_is_the_tumbling_row_of_the_same_time(january: Path, firstline: Firstline, tmp_path: Path) -> None:
    policy = tmp_path / "bank.toml"
    policy.write_text(BANK)
    head = ("report", january, "--policy", policy, "--format", "json", "--by", "queue")
    week = [row for row in json.loads(firstline(*head, "--window", "week").out)["rows"] if row["start"] == "1999-01-10T00:00:00+02:00"]
    assert [row["end"] for row in week] == ["1999-01-17T00:00:00+02:00"] * 6
    rows = json.loads(firstline(*head, "--from", "1999-01-10", "--at", "1999-01-17").out)["rows"]
    # A row for what the window does not know of, since it comes later, is not there; all others are the same.
    assert rows == [row for row in week if row["segment"] in [row["segment"] for row in rows]]


def test_the_command_itself_reads_stdin_and_writes_the_same_bytes_twice(january: Path, tmp_path: Path) -> None:
    policy = tmp_path / "bank.toml"
    policy.write_text(BANK)
    command = [Path(sys.executable).with_name("firstline"), "report", "-", "--format", "json", "--kpi", "offered", "--window", "month"]
    environment = os.environ | {"FIRSTLINE_POLICY": str(policy)}
    found = []
    for _ in range(2):
        with january.open("rb") as stdin:
            ended = subprocess.run(command, stdin=stdin, capture_output=True, env=environment, check=False)
        assert (ended.returncode, ended.stderr) == (0, b"")
        found.append(ended.stdout)
    assert found[0] == found[1]
    assert json.loads(found[0])["rows"] == [
        {"segment": {}, "start": "1999-01-01T00:00:00+02:00", "end": "1999-01-31T23:53:05.001+02:00", "kpis": {"offered": {"value": 30161}}}
    ]
