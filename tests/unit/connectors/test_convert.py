"""What all connectors share: names, compression, files that cannot be read."""

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.connectors import CONNECTORS, convert
from streams.errors import SourceError

IRC = (
    "line,ts,kind,nick,conversation_id,continues_from_context,has_question_mark\n"
    "7,2004-12-25T03:21,message,N1,c:7,0,1\n"
    "\n"
)  # fmt: skip
STARTED = (
    b'{"specversion":"1.0","id":"c:7/00000007-0","source":"ubuntu-irc","type":"chat.started","time":"2004-12-25T03:21:00+00:00",'
    b'"subject":"c:7","data":{"customer":"N1","reason":"question","medium":"irc"}}\n'
)


def test_every_source_has_a_line_of_help() -> None:
    assert {name: connector.description for name, connector in CONNECTORS.items()} == {
        "bank1999": "calls of a bank's centre, 1999 (tab-separated, 17 columns, UTC+2)",
        "servicenow": "incident event log of ServiceNow, 2016 (comma-separated, UTC)",
        "ubuntu-irc": "Ubuntu IRC support conversations (comma-separated, UTC)",
    }


def test_a_compressed_export_reads_like_a_plain_one_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_text(IRC)
    (tmp_path / "packed.csv").write_bytes(gzip.compress(IRC.encode()))
    plain = list(convert("ubuntu-irc", [tmp_path / "plain.csv"]))
    assert plain[0] == STARTED
    assert list(convert("ubuntu-irc", [tmp_path / "packed.csv"])) == plain


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_stdin_is_a_file_called_dash(monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]) -> None:
    wrong = IRC + "8,noon,message,N1,c:7,0,1\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(pack(wrong.encode())))))  # type: ignore[arg-type]
    lines = convert("ubuntu-irc", [Path("-")])
    assert next(lines) == STARTED
    with pytest.raises(SourceError) as caught:
        list(lines)
    assert str(caught.value) == (
        "stdin, line 4, field ts: 'noon' cannot be read: a time written yyyy-mm-ddTHH:MM is expected; mend the row or remove it"
    )


def test_stdin_is_refused_a_second_time() -> None:
    with pytest.raises(SourceError) as caught:
        convert("ubuntu-irc", [Path("-"), Path("-")])
    assert str(caught.value) == "convert, argument FILE: stdin (-) is given twice, but can be read once; remove one"


def test_several_files_follow_one_another(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(IRC)
    (tmp_path / "b.csv").write_text(IRC.replace("c:7", "d:7"))
    lines = list(convert("ubuntu-irc", [tmp_path / "b.csv", tmp_path / "a.csv"]))
    assert [b'"subject":"d:7"' in line for line in lines] == [True, True, False, False]


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(IRC, encoding="utf-8-sig")
    assert next(convert("ubuntu-irc", [tmp_path / "a.csv"])) == STARTED


def test_an_unknown_source_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(SourceError) as caught:
        convert("avaya", [])
    assert str(caught.value) == "convert, argument SOURCE: 'avaya' is not known; use one of bank1999, servicenow, ubuntu-irc"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1, field line: column missing (7 in all); the first line must be a header with the columns line, ts, kind, nick, "),
        (IRC.replace("nick", "who").encode(), "line 1, field nick: column missing (1 in all); the first line must be a header with the "),
        (gzip.compress(IRC.encode())[:-12], "after line"),
        (IRC.encode() + b"8,2004-12-25T03:21,message,N\xff,c:7,0,1\n", "after line"),
        (IRC.encode() + b'8,2004-12-25T03:21,message,"N"x,c:7,0,1\n', "after line 3, field unknown: not a delimited row"),
    ],
)
def test_an_unreadable_file_is_an_error_with_place_and_remedy(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "bad.csv").write_bytes(content)
    with pytest.raises(SourceError) as caught:
        list(convert("ubuntu-irc", [tmp_path / "bad.csv"]))
    assert str(caught.value).startswith(f"{tmp_path / 'bad.csv'}, {message}")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        list(convert("ubuntu-irc", [tmp_path / "none.csv"]))
    assert (
        str(caught.value)
        == f"{tmp_path / 'none.csv'}: the file cannot be read (No such file or directory); check the path and its permissions"
    )
