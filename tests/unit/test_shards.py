"""A report on several processes: the same rows as on one, or none at all."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agents.shards import UncleanError, load_shard, report_in_shards, shards_for
from agents.synthetic import generate
from streams.aggregator import Aggregator
from streams.policy import DEFAULT
from streams.recording import Input
from streams.report import report

SEGMENTATIONS = ((), *DEFAULT.segments)


def plan(span: tuple[int, int] | None) -> Aggregator | None:
    return None if span is None else Aggregator(DEFAULT, span[1] + 1, [(span[0], span[1] + 1)], SEGMENTATIONS)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shards") / "half-a-day.jsonl"
    lines = list(generate(3, 0.5, "outage"))
    path.write_bytes(b"".join(lines + lines[::10]))
    return path


def alone(path: Path) -> tuple[list[dict[str, object]], Input]:
    whole = load_shard([path], DEFAULT.clock, 0, 1, lambda _: None)
    aggregator, counts = plan(whole.span()), Input()
    assert aggregator is not None
    report(whole, aggregator, counts)
    return aggregator.rows(), counts


def test_three_processes_make_the_rows_of_one(recording: Path) -> None:
    done = report_in_shards([recording], DEFAULT.clock, 3, plan, lambda _: None)
    assert done.aggregator is not None
    rows, counts = alone(recording)
    assert json.dumps(done.aggregator.rows()) == json.dumps(rows)
    assert done.counts == counts
    assert counts.duplicates > 100
    assert len(rows) > 30


def test_at_a_bad_line_the_shards_give_up(recording: Path, tmp_path: Path) -> None:
    for number, bad in enumerate((b'{"subject":"x"', b"\xff\n", b'{"subject":"1","type":"call.nonsense"}')):
        path = tmp_path / f"{number}.jsonl"
        path.write_bytes(recording.read_bytes() + bad + b"\n")
        with pytest.raises(UncleanError):
            report_in_shards([path], DEFAULT.clock, 2, plan, lambda _: None)


def test_a_subject_that_does_not_meet_the_eye_is_left_to_one_process(tmp_path: Path) -> None:
    head = '"specversion":"1.0","id":"1","source":"s","type":"call.queued","time":"2026-03-02T09:00:00Z"'
    hidden = f'{{"data":{{"queue":"q","subject":"other"}},{head},"subject":"c1"}}'
    spaced = f'{{{head}, "subject": "c1"}}'
    for line in (hidden, spaced):
        path = tmp_path / "odd.jsonl"
        path.write_text(line + "\n")
        with pytest.raises(UncleanError):
            report_in_shards([path], DEFAULT.clock, 2, plan, lambda _: None)


def test_small_recordings_and_stdin_are_for_one_process(recording: Path) -> None:
    assert shards_for([Path("-")]) == 1
    assert shards_for([recording]) == 1  # a few megabytes
    assert shards_for([recording.parent / "missing"]) == 1


def test_no_process_outlives_the_first_one(recording: Path) -> None:
    """Killed while it reads, its output ends at once: nobody else holds it."""
    killed = (
        "import os; from pathlib import Path; from tests.unit.test_shards import DEFAULT, plan, report_in_shards\n"
        f"report_in_shards([Path({str(recording)!r})], DEFAULT.clock, 3, plan, lambda _: os.kill(os.getpid(), 9))"
    )
    ended = subprocess.run([sys.executable, "-c", killed], capture_output=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-9, b"", b"")
