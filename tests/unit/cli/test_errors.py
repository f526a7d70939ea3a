"""Wrong use and bad input end with exit 2, a failure with exit 1; each with a message that names place, field and remedy."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agents.broker import EmbeddedBroker
from agents.cli.application import COMMANDS
from tests.command import Firstline


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "calls.jsonl"
    path.write_text('{"id":"1","source":"s","type":"call.queued","time":"2026-03-02T09:00:00Z","subject":"a","data":{"queue":"PS"}}\n')
    return path


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--by", "queu"], 'error: --by: unknown dimension "queu"; did you mean "queue"?\n'),
        (["--by", "queue,queue"], 'error: --by: "queue" is given twice in "queue,queue"; remove one\n'),
        (["--kpi", "servicelevel"], 'error: --kpi: unknown KPI "servicelevel"; did you mean "service_level"?\n'),
        (["--window", "dya"], 'did you mean "day"?\n'),
        (["--window", "15"], 'error: --window: "15" is no duration; write a whole number and a unit (ms, s, m, h, d, w), '),
        (["--window", "-5m"], 'error: --window: "-5m" is negative; a duration is longer than 0s; or one of all, day, week, m'),
        (["--window", "0s"], 'error: --window: "0s" is zero; it must be longer than 0s; or one of'),
        (["--at", "noon"], 'error: --at: "noon" is no instant; write 2026-03-02T09:00:00+01:00, or in the time zone Europe/Berlin 20'),
        (["--at", "9999-12-31T23:00"], 'error: --at: "9999-12-31T23:00" lies outside of the years 1000 to 9000; give an instant within\n'),
        (["--from", "0001-01-01"], 'error: --from: "0001-01-01" lies outside of the years 1000 to 9000; give an instant within\n'),
        (["--from", "2027-01-01"], "error: --from: not before the end of the recording, so there is nothing between them; give an "),
        (["--from", "2026-01-02", "--at", "2026-01-01"], "error: --from: not before --at, so there is nothing between them; give "),
        (["--from", "1990-01-01", "--window", "1s"], "error: --window: 1s makes 1,141,"),
        (
            ["--format", "xml"],
            "error: Invalid value for '--format': 'xml' is not one of 'table', 'json', 'csv'.\nTry: firstline report --help\n",
        ),
        (["--windwo", "1h"], "error: No such option: --windwo (Possible options: --window)\nTry: firstline report --help\n"),
        (["--policy", "/none.toml"], "error: --policy: /none.toml: cannot be read (No such file or directory); check the path and "),
    ],
)
def test_a_wrong_option_is_named_with_the_remedy(recording: Path, firstline: Firstline, args: list[str], message: str) -> None:
    ended = firstline("report", recording, *args)
    assert (ended.code, ended.out) == (2, b"")
    assert message in ended.err
    assert ended.err.startswith("error: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('time_zon = "UTC"\n', 'time_zon: unknown key; did you mean "time_zone"?'),
        ('tick = "-1s"\n', 'tick: "-1s" is negative; a duration is longer than 0s'),
        ('[[targets]]\nmatch = { channel = "cal" }\n', 'targets[0].match.channel: unknown channel "cal"; did you mean "call"?'),
        ("a = " + "[" * 3000, "not valid TOML: maximum recursion depth exceeded; mend that line"),
        ('tick = "soon\n', "not valid TOML: Illegal character '\\n' (at line 1, column 13); mend that line"),
        (
            '[calendars.office]\nhours = { mon-fri = ["08:00-12:00", "11:00-18:00"] }\n',
            'calendars.office.hours: calendar "office": on monday 08:00-12:00 and 11:00-18:00 overlap; join them or move one',
        ),
    ],
)
@pytest.mark.parametrize("command", ["report", "check", "replay", "demo", "worker"])
def test_a_broken_policy_is_named_with_file_and_key(
    recording: Path, firstline: Firstline, tmp_path: Path, *, command: str, text: str, message: str
) -> None:
    policy = tmp_path / "p.toml"
    policy.write_text(text)
    ended = firstline(command, *([recording] if command in ("report", "replay") else []), "--policy", policy)
    assert ended.code == 2
    assert ended.err.startswith(f"error: {policy}: {message}")


def test_what_a_policy_asks_for_in_vain_is_told(recording: Path, firstline: Firstline, tmp_path: Path) -> None:
    policy = tmp_path / "p.toml"
    policy.write_text('recovered_within = "2h"')
    ended = firstline("report", recording, "--policy", policy)
    assert ended.code == 0
    assert f"note: {policy}: recovered_within: is kept, but this release computes nothing from it\n" in ended.err


def test_a_policy_that_is_no_text_is_named(recording: Path, firstline: Firstline, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_bytes(b"version = '\xff'")
    ended = firstline("report", recording, "--policy", tmp_path / "p.toml")
    assert (ended.code, ended.err) == (2, f"error: --policy: {tmp_path / 'p.toml'}: byte 11 is not UTF-8; save the file as UTF-8\n")


def test_a_policy_of_the_environment_is_named_by_its_variable(
    recording: Path, firstline: Firstline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTLINE_POLICY", "/none.toml")
    problem = "/none.toml: cannot be read (No such file or directory); check the path and its permissions\n"
    assert firstline("report", recording).err == f"error: FIRSTLINE_POLICY: {problem}"
    monkeypatch.setenv("FIRSTLINE_POLICY", str(tmp_path / "other.toml"))
    assert firstline("report", recording, "--policy", "/none.toml").err == f"error: --policy: {problem}"


def test_an_empty_path_of_a_policy_is_named(recording: Path, firstline: Firstline) -> None:
    ended = firstline("report", recording, "--policy", "")
    assert (ended.code, ended.err) == (
        2, "error: --policy: names no file; give the path of a policy file, or leave it out for the shipped policy\n",
    )  # fmt: skip


def test_a_policy_may_begin_with_a_byte_order_mark(recording: Path, firstline: Firstline, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text('version = "v7"\n', encoding="utf-8-sig")
    ended = firstline("report", recording, "--policy", tmp_path / "p.toml", "--format", "json")
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out)["policy"] == "v7"


def test_files_that_cannot_be_used_are_named(recording: Path, firstline: Firstline, tmp_path: Path) -> None:
    ended = firstline("report", tmp_path / "none.jsonl")
    assert (ended.code, ended.err) == (
        2,
        f"error: argument FILE: {tmp_path / 'none.jsonl'}: cannot be read (No such file or directory); "
        "check the path and its permissions\n",
    )  # fmt: skip
    ended = firstline("report", recording, "--dead-letters", recording)
    assert (ended.code, ended.err) == (
        2, f"error: --dead-letters: {recording} is one of the recordings and would be overwritten; name another file\n",
    )  # fmt: skip
    ended = firstline("report", recording, "--dead-letters", tmp_path)
    assert (ended.code, ended.err) == (2, f"error: --dead-letters: {tmp_path}: cannot be written (Is a directory); name another file\n")


def test_a_demo_of_nothing_is_refused(firstline: Firstline, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_bytes(b"oops\n")
    ended = firstline("demo", "--input", tmp_path / "bad.jsonl", "--speed", "max", "--port", 0, "--metrics-port", 0)
    assert (ended.code, ended.out) == (2, b"")
    assert ended.err.endswith("error: --input: there is no event in the recording, so there is nothing to show; give another\n")
    assert "line 1, field $: malformed" in ended.err


def test_without_a_command_there_is_help_and_exit_2(firstline: Firstline) -> None:
    ended = firstline()
    assert ended.code == 2
    assert "firstline report calls.jsonl --by queue" in ended.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(firstline: Firstline, command: str) -> None:
    ended = firstline(command, "--help")
    assert ended.code == 0
    assert f"  Examples:\n    firstline {command}" in ended.out.decode() or b"Examples:\n    FIRSTLINE_" in ended.out


def closed_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


@pytest.mark.parametrize("command", ["check", "topics", "replay", "worker"])
def test_no_kafka_there_is_said_within_seconds(
    recording: Path, firstline: Firstline, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTLINE_REDIS_URL", f"redis://:secret@127.0.0.1:{closed_port()}/0")
    port = closed_port()
    began = time.monotonic()
    ended = firstline(command, *([recording] if command == "replay" else []), "--brokers", f"127.0.0.1:{port}")
    assert time.monotonic() - began < 5
    assert ended.code == 1
    assert (
        f"FIRSTLINE_BROKERS (--brokers): no Kafka at 127.0.0.1:{port} (127.0.0.1:{port}: Connection refused); "
        "start it, or set the brokers to host:port of one that runs\n"
    ) in ended.err


def test_a_check_tells_what_is_well_on_stdout_and_what_is_not_on_stderr(firstline: Firstline, monkeypatch: pytest.MonkeyPatch) -> None:
    redis = closed_port()
    monkeypatch.setenv("FIRSTLINE_REDIS_URL", f"redis://:secret@127.0.0.1:{redis}/0")
    ended = firstline("check", "--brokers", f"127.0.0.1:{closed_port()}")
    assert ended.code == 1
    assert ended.out.startswith(b"ok      policy: version default, time zone Europe/Berlin, ")
    assert ended.out.count(b"\n") == 1
    kafka_said, redis_said = ended.err.splitlines()
    assert kafka_said.startswith("failed  kafka: FIRSTLINE_BROKERS (--brokers): no Kafka at 127.0.0.1:")
    assert redis_said.startswith(f"failed  redis: FIRSTLINE_REDIS_URL: no Redis at redis://127.0.0.1:{redis}/0 (")
    assert redis_said.endswith("; start it, or set FIRSTLINE_REDIS_URL to redis://host:port/0")
    assert "secret" not in ended.err


def test_an_empty_recording_has_nothing_to_show_but_can_be_replayed(
    recording: Path, firstline: Firstline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").touch()
    ended = firstline("demo", "--input", tmp_path / "empty", "--port", 0, "--metrics-port", 0)
    assert (ended.code, ended.out, ended.err) == (
        2, b"", "error: --input: there is no event in the recording, so there is nothing to show; give another\n",
    )  # fmt: skip
    monkeypatch.setenv("FIRSTLINE_EMBEDDED", "true")
    with EmbeddedBroker() as broker:
        ended = firstline("replay", tmp_path / "empty", "--brokers", broker.address)
        assert (ended.code, ended.err) == (0, f"note: 0 events sent to {broker.address}\n")
        ended = firstline("replay", recording, "--brokers", broker.address)
        assert (ended.code, ended.err) == (
            0, f"note: 1 event sent to {broker.address}; the recording ends at 2026-03-02T09:00:00.001+00:00\n",
        )  # fmt: skip


def test_settings_that_make_no_sense_are_named(firstline: Firstline, monkeypatch: pytest.MonkeyPatch) -> None:
    assert firstline("topics", "--brokers", "kafka").err == (
        'error: FIRSTLINE_BROKERS (--brokers): "kafka" is no broker; write host:port, such as 127.0.0.1:9092\n'
    )
    monkeypatch.setenv("FIRSTLINE_PARTITIONS", "0")
    ended = firstline("topics")
    assert (ended.code, ended.err) == (
        2, "error: FIRSTLINE_PARTITIONS: '0': Input should be greater than or equal to 1; mend or unset it\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--speed", "fast"], 'error: --speed: "fast" is no speed; write 1 for real time, a number such as 60, or max\n'),
        (["--speed", "-1"], 'error: --speed: "-1" is no speed; write 1 for real time, a number such as 60, or max\n'),
        (["-", "--resume", "x"], "error: --resume: stdin cannot be read again from a position; name a file\n"),
    ],
)
def test_wrong_options_of_replay_are_named(recording: Path, firstline: Firstline, args: list[str], message: str) -> None:
    ended = firstline("replay", recording, *args)
    assert (ended.code, ended.err) == (2, message)


def test_a_report_loads_nothing_that_it_does_not_need() -> None:
    heavy = ("faust", "confluent_kafka", "aiokafka", "aiohttp", "redis", "pydantic", "prometheus_client", "rich")
    code = f"import sys, agents.cli.report; print([name for name in {heavy} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"
