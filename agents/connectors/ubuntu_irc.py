"""Public support chat of Ubuntu's IRC channel, threads marked by hand (Kummerfeld et al. 2019): one comma-separated row a line, UTC.

Whoever opens a conversation is its customer, everybody else in it an agent. The log has whole minutes, so ids carry the number of the
line. A conversation that goes on from lines outside the sample has no beginning and is left out. None is ever seen to end.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from agents.connectors.event import Event, event
from agents.connectors.table import Row, rows

DESCRIPTION = "Ubuntu IRC support conversations (comma-separated, UTC)"
SOURCE = "ubuntu-irc"

_FIELDS = ("line", "ts", "kind", "nick", "conversation_id", "continues_from_context", "has_question_mark")
_KINDS = ("message", "join", "part", "nick", "other")
_FLAG = ("0", "1")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}")


def read(path: Path) -> Iterator[Event]:
    """The events of a log, in its order. Raises `SourceError` with file, line and field."""
    customers: dict[str, str] = {}
    for row in rows(path, _FIELDS, ",", quoted=True):
        if row.choice("kind", _KINDS) != "message" or row.choice("continues_from_context", _FLAG) == "1":
            continue
        conversation, nick = row.filled("conversation_id"), row.filled("nick")
        time, number = _time(row), f"{row.count('line'):08d}"
        if conversation not in customers:
            customers[conversation] = nick
            # Many openings are remarks that ask for no reply; the question mark is the best hint there is.
            reason = "question" if row.choice("has_question_mark", _FLAG) == "1" else "remark"
            yield event(SOURCE, conversation, f"{number}-0", "chat.started", time, customer=nick, reason=reason, medium="irc")
        author, agent = ("customer", None) if nick == customers[conversation] else ("agent", nick)
        yield event(SOURCE, conversation, f"{number}-1", "chat.message", time, author=author, agent=agent, public=True)


def _time(row: Row) -> str:
    try:
        if _TIME.fullmatch(row["ts"]):
            return datetime.fromisoformat(row["ts"]).replace(tzinfo=UTC).isoformat()
    except ValueError:
        pass
    raise row.fault("ts", "a time written yyyy-mm-ddTHH:MM is expected")
