"""Bookings and open intervals of a recording as known at one instant, in DuckDB, every text as a number."""

import csv
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from . import source
from .bookings import Judge
from .interactions import channel_of, derive
from .model import Event, Facts
from .policy import Policy, Target

FOREVER = 1 << 60
INTERACTION_DIMENSIONS = ("channel", "priority", "reason", "medium", "language", "tenant", "product", "region", "customer_segment")
BOOKING_DIMENSIONS = ("queue", "agent", "team", "hour", "weekday")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CHANNELS = ("call", "chat", "ticket")

# Events that cannot change what is open; everything else, and everything taken back, is looked at anew.
INERT = [
    "call.started",
    "call.ringing",
    "call.held",
    "call.resumed",
    "call.wrapped_up",
    "callback.attempted",
    "callback.completed",
    "chat.wrapped_up",
    "ticket.assigned",
    "ticket.status_changed",
    "ticket.priority_changed",
    "ticket.escalated",
]


class Codes:
    """Text to number; 0 is no value."""

    def __init__(self) -> None:
        self.values: list[str | None] = [None]
        self._codes: dict[str | None, int] = {None: 0}

    def __call__(self, value: str | None) -> int:
        code = self._codes.get(value)
        if code is None:
            code = self._codes[value] = len(self.values)
            self.values.append(value)
        return code


def prefixes(events: Sequence[Event], known: bool) -> Iterator[tuple[int, list[Event]]]:
    """The standing events after each instant at which something that matters happened or was taken back."""
    taken_back = any(event.gone for event in events)  # then the queue of a visit may be known for a time only
    changes = {event.t for event in events if _matters(event) or (taken_back and event.queue is not None)}
    if not known:
        changes |= {t for event in events for span in event.gone for t in span if t is not None}
    for t in sorted(changes):
        yield t, [e for e in events if e.t <= t and e.stands(None if known else t)]


def _matters(event: Event) -> bool:
    if event.type in INERT or event.type == "event.retracted":
        return False
    if event.type == "chat.message":
        return event.human_reply
    if event.type == "ticket.message":
        return event.human_reply or event.customer_message
    return True


class Store:
    """`known`: a gauge of the past leaves out what was taken back only later; else it still counts there (rule 15)."""

    def __init__(self, con: duckdb.DuckDBPyConnection, policy: Policy, at: int, known: bool) -> None:
        self.con, self.policy, self.at = con, policy, at
        self.codes = Codes()
        self._zone = ZoneInfo(policy.time_zone)
        self._local: dict[int, tuple[int, int]] = {}
        with tempfile.TemporaryDirectory() as folder:
            names = ("dimension", "booking", "open")
            paths = {name: Path(folder) / f"{name}.csv" for name in names}
            files = {name: path.open("w", newline="") for name, path in paths.items()}
            writers = {name: csv.writer(file) for name, file in files.items()}
            for name, rows in self._rows(known):
                writers[name].writerows(rows)
            for file in files.values():
                file.close()
            dimensions = ("item", *INTERACTION_DIMENSIONS)
            booking = ("item", "kind", "t", "v", "queue", "agent", "team", "hour", "weekday", "a", "b", "n", "top", "base")
            interval = ("item", "kind", "lo", "hi", "since", "clock", "deadline", "pending", "queue", "agent", "team")
            for name, columns in zip(names, (dimensions, booking, interval), strict=True):
                spec = ", ".join(f"'{column}': '{'VARCHAR' if column == 'kind' else 'BIGINT'}'" for column in columns)
                if paths[name].stat().st_size:
                    select = f"select * from read_csv('{paths[name]}', header = false, auto_detect = false, columns = {{{spec}}})"
                else:
                    select = "select " + ", ".join(f"null::{'varchar' if c == 'kind' else 'bigint'} as {c}" for c in columns) + " limit 0"
                con.execute(f"create or replace temp table {name} as {select}")

    def _clock(self, t: int) -> tuple[int, int]:
        quarter = t // 900_000
        if quarter not in self._local:
            local = datetime.fromtimestamp(quarter * 900, self._zone)
            self._local[quarter] = self.codes(f"{local.hour:02}"), self.codes(WEEKDAYS[local.weekday()])
        return self._local[quarter]

    def _rows(self, known: bool) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
        code, at = self.codes, self.at
        attributes = source.attributes(self.con, at)
        targets: dict[tuple[str | int | None, ...], Target] = {}
        for item, (subject, events) in enumerate(source.interactions(self.con, at)):
            standing = [event for event in events if event.stands(None)]
            mine = attributes.get(subject, {})
            channel = next((c for c in (channel_of(event.type) for event in (*standing, *events)) if c), None)
            if channel is None:
                continue
            facts = derive(standing)
            judge = Judge(channel, facts, mine or dict.fromkeys(source.ATTRIBUTES), self.policy, targets)
            values = [channel if name == "channel" else mine.get(name) for name in INTERACTION_DIMENSIONS]
            yield "dimension", [(item, *(code(value if isinstance(value, str) else None) for value in values))]
            yield (
                "booking",
                [
                    (item, b.kind, b.t, b.v, code(b.queue), code(b.agent), code(b.team), *self._clock(b.t), b.a, b.b, b.n, b.top, b.base)
                    for b in judge.bookings(at)
                ],
            )
            yield "open", list(self._intervals(item, events, judge, facts, known))

    def _intervals(self, item: int, events: Sequence[Event], judge: Judge, final: Facts, known: bool) -> Iterator[tuple[object, ...]]:
        """An interval (lo, hi] holds for every end of row in it: the state after the events with time < end."""
        code = self.codes
        steps = list(prefixes(events, known))
        for number, (t, seen) in enumerate(steps):
            last = number + 1 == len(steps)
            for s in judge.states(final if last else derive(seen)):
                hi = FOREVER if last else steps[number + 1][0]
                whose = code(s.queue), code(s.agent), code(s.team)
                yield item, s.kind, t, hi, s.since, s.clock, s.deadline, int(s.pending), *whose
