"""The chat log: conversations, their openers and their helpers."""

import json
from pathlib import Path
from typing import Any

import pytest

from agents.connectors import convert
from streams.errors import SourceError

HEADER = (
    "split,file,line,ts,ts_printed,kind,nick,conversation_id,continues_from_context,reply_to_lines,text_chars,has_question_mark,"
    "addressed_or_new_nick"
)


def events(tmp_path: Path, *rows: str) -> list[dict[str, Any]]:
    file = tmp_path / "irc.csv"
    file.write_text("\n".join((HEADER, *rows)) + "\n")
    return [json.loads(line) for line in convert("ubuntu-irc", [file])]


def test_whoever_opens_is_the_customer_and_everybody_else_an_agent(tmp_path: Path) -> None:
    found = events(
        tmp_path,
        "train,c,1000,2004-12-25T03:21,1,message,N1,c:1000,0,,95,1,",
        "train,c,1001,2004-12-25T03:22,1,message,N2,c:1000,0,1000,10,0,",
        "train,c,1002,2004-12-25T03:22,1,message,N1,c:1000,0,1001,10,0,",
    )
    assert [(each["id"], each["type"], each["time"], each["data"]) for each in found] == [
        ("c:1000/00001000-0", "chat.started", "2004-12-25T03:21:00+00:00", {"customer": "N1", "reason": "question", "medium": "irc"}),
        ("c:1000/00001000-1", "chat.message", "2004-12-25T03:21:00+00:00", {"author": "customer", "public": True}),
        ("c:1000/00001001-1", "chat.message", "2004-12-25T03:22:00+00:00", {"author": "agent", "agent": "N2", "public": True}),
        ("c:1000/00001002-1", "chat.message", "2004-12-25T03:22:00+00:00", {"author": "customer", "public": True}),
    ]


def test_interleaved_conversations_are_kept_apart(tmp_path: Path) -> None:
    found = events(
        tmp_path,
        "train,c,1000,2004-12-25T03:21,1,message,N1,c:1000,0,,95,1,",
        "train,c,1001,2004-12-25T03:21,1,message,N2,c:1001,0,,10,0,",
        "train,c,1002,2004-12-25T03:22,1,message,N2,c:1000,0,1000,10,0,",
    )
    assert [(each["subject"], each["type"], each["data"].get("author")) for each in found] == [
        ("c:1000", "chat.started", None),
        ("c:1000", "chat.message", "customer"),
        ("c:1001", "chat.started", None),
        ("c:1001", "chat.message", "customer"),
        ("c:1000", "chat.message", "agent"),
    ]
    assert found[2]["data"]["reason"] == "remark"


def test_joins_and_conversations_without_a_beginning_are_left_out(tmp_path: Path) -> None:
    found = events(
        tmp_path,
        "train,c,1000,2004-12-25T03:21,0,join,N1,c:1000,0,,0,0,",
        "train,c,1001,2004-12-25T03:21,0,other,,c:1001,0,,0,0,",
        "train,c,1002,2004-12-25T03:22,1,message,N2,c:0999,1,0999,10,0,",
    )
    assert found == []


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (
            "train,c,1000,2004-12-25,1,message,N1,c:1000,0,,95,1,",
            "line 2, field ts: '2004-12-25' cannot be read: a time written yyyy-mm-ddTHH:MM is",
        ),
        (
            "train,c,1000,2004-12-25T25:00,1,message,N1,c:1000,0,,95,1,",
            "line 2, field ts: '2004-12-25T25:00' cannot be read: a time written",
        ),
        ("train,c,x,2004-12-25T03:21,1,message,N1,c:1000,0,,95,1,", "line 2, field line: 'x' cannot be read: a whole number is expected"),
        ("train,c,1000,2004-12-25T03:21,1,message,,c:1000,0,,95,1,", "line 2, field nick: '' cannot be read: a value is expected"),
        (
            "train,c,1000,2004-12-25T03:21,1,shout,N1,c:1000,0,,95,1,",
            "line 2, field kind: 'shout' cannot be read: one of message, join, part",
        ),
        ("train,c,1000,2004-12-25T03:21,1,message,N1,c:1000,maybe,,95,1,", "line 2, field continues_from_context: 'maybe' cannot be read"),
        ("train,c,1000", "line 2, field ts: 3 values where the header has 13 columns; mend the row or remove it"),
    ],
)
def test_a_bad_row_is_an_error_with_line_field_and_remedy(tmp_path: Path, bad: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        events(tmp_path, bad)
    assert str(caught.value).startswith(f"{tmp_path / 'irc.csv'}, {message}")
