"""Recordings into DuckDB: distinct good events, what is taken back, and the attributes of an interaction."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from .model import Event

TYPES = [
    "call.started",
    "call.queued",
    "call.ringing",
    "call.answered",
    "call.missed",
    "call.held",
    "call.resumed",
    "call.transferred",
    "call.ended",
    "call.wrapped_up",
    "callback.requested",
    "callback.attempted",
    "callback.completed",
    "chat.started",
    "chat.handed_off",
    "chat.queued",
    "chat.answered",
    "chat.message",
    "chat.missed",
    "chat.ended",
    "chat.wrapped_up",
    "chat.reopened",
    "ticket.opened",
    "ticket.message",
    "ticket.assigned",
    "ticket.status_changed",
    "ticket.priority_changed",
    "ticket.escalated",
    "ticket.resolved",
    "ticket.reopened",
    "ticket.closed",
    "ticket.merged",
    "ticket.deleted",
    "survey.sent",
    "survey.responded",
    "review.submitted",
    "agent.state_changed",
    "agent.heartbeat",
    "lead.created",
    "lead.converted",
    "customer.acquired",
    "customer.reactivated",
    "customer.churned",
    "order.placed",
    "subscription.changed",
    "onboarding.started",
    "onboarding.completed",
    "customer.active",
    "cost.posted",
    "event.retracted",
    "recording.ended",
]

ATTRIBUTES = ("queue", "team", "agent", "priority", "reason", "medium", "language", "tenant", "product", "region", "customer_segment")
TEXT = (*ATTRIBUTES, "customer", "visit", "outcome", "to_queue", "author", "initiator", "status", "due_first_response", "due_resolution")
REQUIRED = {
    "chat.message": ["author"],
    "ticket.message": ["author"],
    "ticket.status_changed": ["status"],
    "agent.state_changed": ["state"],
    "call.transferred": ["to_queue"],
    "ticket.merged": ["into"],
    "survey.responded": ["kind", "score"],
    "order.placed": ["amount", "currency"],
    "cost.posted": ["amount", "currency", "kind"],
    "event.retracted": ["id", "source"],
}
INTERACTION = "split_part(type, '.', 1) in ('call', 'callback', 'chat', 'ticket')"


def instant(column: str) -> str:
    """RFC 3339 with offset as integer milliseconds, the rest cut off."""
    zoned = f"case when regexp_matches({column}, '([zZ]|[+-][0-9][0-9]:[0-9][0-9])$') then upper({column}) end"
    return f"(epoch_us(try_cast({zoned} as timestamptz)) // 1000)"


def load(paths: Sequence[Path]) -> duckdb.DuckDBPyConnection:
    """A database with `event`: every distinct good event, with `eid`, and `target` where it takes another one back."""
    con = duckdb.connect(config={"temp_directory": tempfile.gettempdir()})  # else where pytest was started
    con.execute("set threads = 2")
    columns = dict.fromkeys(("id", "source", "type", "subject", "time"), "VARCHAR") | {"data": "JSON"}
    con.execute("create table type_known as select unnest(?) as type", [TYPES])
    missing = " or ".join(
        f"(type = '{kind}' and (" + " or ".join(f"(data->>'$.{name}') is null" for name in names) + "))" for kind, names in REQUIRED.items()
    )
    kinds = [f"coalesce(json_type(data, '$.{name}'), 'NULL') in ('NULL', 'VARCHAR')" for name in TEXT]
    kinds += [f"coalesce(json_type(data, '$.{name}'), 'NULL') in ('NULL', 'BOOLEAN')" for name in ("public", "automatic")]
    fields = ", ".join(f"nullif(data->>'$.{name}', '') as {name}" for name in TEXT if not name.startswith("due_"))
    con.execute(
        f"""
        create table event as
        with good as (
            select id, source, type, subject, {instant("time")} as t, data
            from read_json($paths, format = 'newline_delimited', columns = {columns!r}, ignore_errors = true)
            semi join type_known using (type)
            where id is not null and source is not null and subject is not null and not coalesce({missing}, false)
              and (not {INTERACTION} or ({" and ".join(kinds)}))
        ), ranked as (
            select *, row_number() over (partition by subject, source, id order by t, md5(type || coalesce(data::varchar, ''))) as copy
            from good where t >= epoch_ms(timestamp '1990-01-01') and t < epoch_ms(timestamp '2100-01-01')
        )
        select row_number() over (order by subject, t, id, source) as eid, id, source, type, subject, t, {fields},
               coalesce((data->>'$.public')::boolean, true) as public, coalesce((data->>'$.automatic')::boolean, false) as automatic,
               {instant("(data->>'$.due_first_response')")} as due_first_response,
               {instant("(data->>'$.due_resolution')")} as due_resolution,
               case when type = 'event.retracted' then data->>'$.id' end as target_id,
               case when type = 'event.retracted' then data->>'$.source' end as target_source
        from ranked where copy = 1
        """,
        {"paths": [str(path) for path in paths]},
    )
    con.execute(
        "create table taken as select r.eid as retraction, r.t, e.eid as target from event r join event e "
        "on r.subject = e.subject and r.target_id = e.id and r.target_source = e.source and r.eid <> e.eid"
    )
    return con


def span(con: duckdb.DuckDBPyConnection) -> tuple[int, int] | None:
    """The instants of the first and of the last event."""
    first, last = con.execute("select min(t), max(t) from event").fetchall()[0]
    return None if first is None else (first, last)


def first_event(con: duckdb.DuckDBPyConnection, at: int) -> int | None:
    value: int | None = con.execute("select min(t) from event where t < ?", [at]).fetchall()[0][0]
    return value


def retractions(con: duckdb.DuckDBPyConnection, at: int) -> dict[int, tuple[tuple[int, int | None], ...]]:
    """eid of each event that was taken back before `at`, from when until when. A later retraction undoes an earlier one, never the
    reverse."""
    by: dict[int, list[tuple[int, int]]] = {}
    order = {}
    for retraction, t, target in con.execute("select retraction, t, target from taken where t < ? order by t, retraction", [at]).fetchall():
        by.setdefault(target, []).append((t, retraction))
        order[retraction] = (t, retraction)

    def gone(target: int, t: int) -> bool:
        mine = order.get(target)  # of a retraction: only later ones take it back (eid rises with time and id)
        return any(when <= t and (mine is None or order[r] > mine) and not gone(r, t) for when, r in by.get(target, []))

    def instants(target: int) -> set[int]:
        return {t for when, r in by.get(target, []) if target not in order or order[r] > order[target] for t in {when} | instants(r)}

    found = {}
    for target in by:
        spans: list[tuple[int, int | None]] = []
        for t in sorted(instants(target)):
            now = gone(target, t)
            if now and not (spans and spans[-1][1] is None):
                spans.append((t, None))
            elif not now and spans and spans[-1][1] is None:
                spans[-1] = (spans[-1][0], t)
        if spans:
            found[target] = tuple(spans)
    return found


def interactions(con: duckdb.DuckDBPyConnection, at: int) -> Iterator[tuple[str, list[Event]]]:
    """The events before `at` of each interaction, ordered by (time, id)."""
    gone = retractions(con, at)
    rows = con.execute(
        f"""select subject, eid, type, t, visit, queue, agent, team, author, public, automatic, outcome, to_queue, initiator, status
            from event where t < ? and ({INTERACTION} or type = 'event.retracted') order by eid""",
        [at],
    )
    subject: str | None = None
    events: list[Event] = []
    while batch := rows.fetchmany(20_000):
        for name, eid, kind, t, *rest in batch:
            if name != subject:
                if events:
                    yield str(subject), events
                subject, events = name, []
            events.append(Event._make((kind, t, gone.get(eid, ()), *rest, eid)))
    if events:
        yield str(subject), events


def attributes(con: duckdb.DuckDBPyConnection, at: int) -> dict[str, dict[str, str | int | None]]:
    """Per interaction the latest value of every attribute, known at `at`."""
    gone = [eid for eid, spans in retractions(con, at).items() if spans[-1][1] is None]
    names = (*ATTRIBUTES, "due_first_response", "due_resolution")
    latest = ", ".join(f"last({name} order by eid) filter (where {name} is not null) as {name}" for name in names)
    standing = f"t < $at and {INTERACTION} and eid not in (select unnest($gone::bigint[]))"
    channel = "case split_part(type, '.', 1) when 'callback' then 'call' else split_part(type, '.', 1) end"
    rows = con.execute(
        f"""with standing as (select *, {channel} as channel from event where {standing})
            select subject, {latest} from standing
            join (select subject, arg_min(channel, eid) as channel from standing group by subject) using (subject, channel)
            group by subject""",
        {"at": at, "gone": gone},
    ).fetchall()
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}
