"""`generate` and `convert`: recordings on stdout."""

import json
from pathlib import Path

from agents.connectors import CONNECTORS
from agents.synthetic import SCENARIOS
from tests.command import Firstline


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(firstline: Firstline) -> None:
    first = firstline("generate", "--seed", "3", "--days", "0.4")
    assert (first.code, first.err) == (0, "")
    assert json.loads(first.out.splitlines()[0])["specversion"] == "1.0"
    assert firstline("generate", "--seed", "3", "--days", "0.4").out == first.out
    assert firstline("generate", "--seed", "4", "--days", "0.4").out != first.out


def test_what_is_generated_can_be_reported(firstline: Firstline, tmp_path: Path) -> None:
    (tmp_path / "day").write_bytes(firstline("generate", "--days", "0.5", "--scenario", "outage").out)
    ended = firstline("report", tmp_path / "day", "--strict", "--kpi", "offered", "--format", "json")
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out)["rows"][0]["kpis"]["offered"]["value"] > 100


def test_wrong_options_are_named(firstline: Firstline) -> None:
    ended = firstline("generate", "--scenario", "mondya")
    assert (ended.code, ended.err) == (2, 'error: --scenario: unknown scenario "mondya"; did you mean "monday"?\n')
    ended = firstline("generate", "--days", "-1")
    assert ended.code == 2
    assert ended.err == "error: --days: -1 is not from just above 0 up to 36525; give a number of days such as 7 or 0.5\n"
    ended = firstline("generate", "--days", "nan")
    assert ended.code == 2


def test_an_export_is_converted_line_by_line(firstline: Firstline, tmp_path: Path) -> None:
    (tmp_path / "irc.csv").write_text(
        "line,ts,kind,nick,conversation_id,continues_from_context,has_question_mark\n7,2004-12-25T03:21,message,N1,c:7,0,1\n"
    )
    ended = firstline("convert", "ubuntu-irc", tmp_path / "irc.csv")
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out.splitlines()[0])["type"] == "chat.started"


def test_faults_of_an_export_are_told(firstline: Firstline, tmp_path: Path) -> None:
    ended = firstline("convert", "avaya", tmp_path / "a")
    assert (ended.code, ended.err) == (
        2, "error: convert, argument SOURCE: 'avaya' is not known; use one of bank1999, servicenow, ubuntu-irc\n",
    )  # fmt: skip
    ended = firstline("convert", "ubuntu-irc", tmp_path / "a")
    assert ended.code == 2
    assert ended.err.startswith(f"error: {tmp_path / 'a'}: the file cannot be read (No such file or directory)")


def test_help_names_every_source_and_scenario(firstline: Firstline) -> None:
    assert all(name in firstline("convert", "--help").out.decode() for name in CONNECTORS)
    assert all(name in firstline("generate", "--help").out.decode() for name in SCENARIOS)
