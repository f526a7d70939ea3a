"""The 1999 call records of a small bank ("AnonymousBank", Technion): one tab-separated row a call, local time UTC+2.

A row becomes `call.started` at the menu (VRU) and `call.ended`; in between `call.queued`, `call.answered` or `call.missed`, as far as
it came. Two clocks meet in a row: the queue's, which all waits rest on, and that of the service times, 1-2 s off; only the end of a call
uses the latter, so a call may end "before" its answer.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

from agents.connectors.event import Event, event
from agents.connectors.table import Row, rows

DESCRIPTION = "calls of a bank's centre, 1999 (tab-separated, 17 columns, UTC+2)"
SOURCE = "bank1999"

_FIELDS = (
    "vru+line", "call_id", "customer_id", "priority", "type", "date", "vru_entry", "vru_exit", "vru_time",
    "q_start", "q_exit", "q_time", "outcome", "ser_start", "ser_exit", "ser_time", "server",
)  # fmt: skip
_OUTCOMES = ("AGENT", "HANG", "PHANTOM")
_NEVER = "0:00:00"
"""What the source writes for a step that did not happen (so a queue entered at midnight sharp cannot be told from none)."""
_NO_SERVER = "NO_SERVER"
_CALL_BACK = "TT"
_ZONE = timezone(timedelta(hours=2))
_HALF_DAY = timedelta(hours=12)
_DAY = timedelta(days=1)


def read(path: Path) -> Iterator[Event]:
    """The events of an export, in its order (by line, not by time). Raises `SourceError` with file, line and field."""
    for row in rows(path, _FIELDS, "\t", quoted=False):
        # Phantom calls are artefacts of the recording, not callers.
        if row.choice("outcome", _OUTCOMES) != "PHANTOM":
            yield from _call(row)


def _call(row: Row) -> Iterator[Event]:
    day = _date(row)
    entry = day + _clock(row, "vru_entry")
    # The source numbers calls by line and anew each month.
    subject = f"bank-{day:%Y%m}-{row.filled('vru+line')}-{row.filled('call_id')}"
    who: dict[str, str | bool | None] = {"priority": row.known("priority"), "customer": row.known("customer_id", "0")}
    # A call-back is dialled by the bank, though its customer waits in the queue like any other.
    direction = None if row["type"] == _CALL_BACK else "inbound"
    yield event(SOURCE, subject, "1-started", "call.started", entry.isoformat(), direction=direction, **who)

    answered = row["outcome"] == "AGENT"
    waited_in_queue = row["q_start"] != _NEVER
    if not answered and not waited_in_queue:
        left = _after(entry, day + _clock(row, "vru_exit"))
        yield event(SOURCE, subject, "4-ended", "call.ended", left.isoformat(), by="customer")
        return

    # The row's date is taken for that of the queue entry, as the published daily figures take it. It dates one call of the two months (in
    # the menu before midnight, in the queue after it) a day too early.
    queued = day + _clock(row, "q_start" if waited_in_queue else "vru_exit")
    yield event(SOURCE, subject, "2-queued", "call.queued", queued.isoformat(), queue=row.filled("type"), **who)
    if not answered:
        missed = _after(queued, day + _clock(row, "q_exit")).isoformat()
        yield event(SOURCE, subject, "3-missed", "call.missed", missed, outcome="abandoned")
        yield event(SOURCE, subject, "4-ended", "call.ended", missed, by="customer")
        return

    answer = queued + timedelta(seconds=row.count("q_time"))
    agent = row.known("server", _NO_SERVER)
    yield event(SOURCE, subject, "3-answered", "call.answered", answer.isoformat(), agent=agent)
    served = row["ser_start"] != _NEVER or row["ser_exit"] != _NEVER
    end = _after(answer, day + _clock(row, "ser_exit")) if served else answer
    yield event(SOURCE, subject, "4-ended", "call.ended", end.isoformat(), agent=agent)


def _after(earlier: datetime, later: datetime) -> datetime:
    """`later`, on the next day when it lies more than 12 h before `earlier`: times carry no date, and a call may cross midnight."""
    return later + _DAY if earlier - later > _HALF_DAY else later


def _date(row: Row) -> datetime:
    try:
        return datetime.strptime(row["date"], "%y%m%d").replace(tzinfo=_ZONE)
    except ValueError:
        raise row.fault("date", "a date written yymmdd is expected") from None


def _clock(row: Row, field: str) -> timedelta:
    """Time since midnight."""
    parts = row[field].split(":")
    if len(parts) == 3 and all(part.isascii() and part.isdigit() for part in parts):
        hours, minutes, seconds = map(int, parts)
        if hours < 24 and minutes < 60 and seconds < 60:
            return timedelta(hours=hours, minutes=minutes, seconds=seconds)
    raise row.fault(field, "a time of day written h:mm:ss is expected")
