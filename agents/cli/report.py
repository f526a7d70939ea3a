"""`firstline report`: the KPIs of a recording, without a broker."""

from collections.abc import Sequence
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from agents.bad_lines import BadLines
from agents.cli import report_output
from agents.cli.common import DeadLetters, PolicyFile, Recordings, Strict, note, policy_of, progress, warn
from agents.cli.outputs import dead_letter_file
from agents.cli.report_options import instant, kpi_names, segmentations
from agents.recording_files import total_bytes
from agents.recordings import Reader, without_gc
from agents.shards import Plan, UncleanError, report_in_shards, shards_for
from streams.aggregator import Aggregator
from streams.calendar_time import rfc3339
from streams.policy import Clock
from streams.recording import Input
from streams.report import report as aggregate
from streams.report_windows import ALL, check_window, plan


class Format(StrEnum):
    """How the report is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


By = Annotated[list[str] | None, typer.Option("--by", metavar="DIM[,DIM]", help="A row a value: queue, team, agent, hour, weekday, …")]
Window = Annotated[str, typer.Option("--window", metavar="W", help="all, a duration (15m, 1h), day, week, month or quarter.")]
From = Annotated[str | None, typer.Option("--from", metavar="T", help="Rows from this instant on; with --at the one row between the two.")]
At = Annotated[str | None, typer.Option("--at", metavar="T", help="What the live tables show at this instant: the window before it.")]
Kpi = Annotated[list[str] | None, typer.Option("--kpi", metavar="NAME", help="Only this KPI; may repeat.")]


def report(
    files: Recordings,
    *,
    by: By = None,
    window: Window = ALL,
    from_: From = None,
    at: At = None,
    policy: PolicyFile = None,
    kpi: Kpi = None,
    format: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.TABLE,
    dead_letters: DeadLetters = None,
    strict: Strict = False,
) -> None:
    """KPIs of a recording: a row for the whole of it, for every hour or day, or for the window before an instant.

    Times are RFC 3339 (2026-03-02T09:00:00+01:00), or local ones of the policy's time zone (2026-03-02, 2026-03-02T09:00).

    \b
    Examples:
      firstline report january.jsonl.gz
      firstline report calls.jsonl chats.jsonl.zst --by channel --by queue,priority --window day
      firstline report calls.jsonl --at 2026-03-02T11:00 --window 1h --kpi service_level --format json
      firstline report - --by weekday,hour --kpi offered --format csv < calls.jsonl
    """
    rules = policy_of(policy)
    dims, names = segmentations(by or ()), kpi_names(kpi or ())
    check_window(window)
    start, end = instant(from_, "--from", rules.time_zone), instant(at, "--at", rules.time_zone)
    if start is not None and end is not None and window != ALL:
        note(f"--window {window} is not used: --from and --at are the row's start and end")
    span: tuple[int, int] | None = None

    def planned(of: tuple[int, int] | None) -> Aggregator | None:
        nonlocal span
        span = of
        instant_ms, windows = plan(of, window, start, end, tz=rules.time_zone, week_starts=rules.week_starts)
        return None if instant_ms is None or not windows else Aggregator(rules, instant_ms, windows, dims)

    with without_gc():
        counts, aggregator = _sums(files, rules.clock, planned, dead_letters, strict)
        rows = [] if aggregator is None else _rows(aggregator, names, packed=format is Format.JSON)
    instant_ms, _ = plan(span, window, start, end, tz=rules.time_zone, week_starts=rules.week_starts)
    if not rows:
        note("no events" + ("" if end is None else " before --at") + ", so no rows")
    made = {
        "format": "firstline.report/1",
        "at": None if instant_ms is None else rfc3339(instant_ms, rules.time_zone),
        "policy": rules.version,
        "input": {
            "events": counts.events,
            "duplicates": counts.duplicates,
            "conflicts": counts.conflicts,
            "dead_letters": counts.dead_letters,
            "retracted": counts.retracted,
        },
        "rows": rows,
    }
    report_output.WRITERS[format.value](made, names, rules.time_zone)


def _sums(files: Sequence[Path], clock: Clock, plan: Plan, dead_letters: Path | None, strict: bool) -> tuple[Input, Aggregator | None]:
    """What was read, and the filled rows. Clean recordings that are large are read by all cores."""
    with ExitStack() as stack:
        bad = BadLines(warn, stack.enter_context(dead_letter_file(dead_letters, files)) if dead_letters else None, strict)
        reader = Reader(files, clock, bad)
        reader.advance = stack.enter_context(progress("reading", total_bytes(files)))
        shards = shards_for(files)
        if shards > 1:
            try:
                done = report_in_shards(files, clock, shards, plan, reader.advance)
            except UncleanError:
                reader.advance = stack.enter_context(progress("reading line by line", total_bytes(files)))
            else:
                return done.counts, done.aggregator
        recording = reader.load()
    if summary := bad.summary():
        warn(summary)
    counts = Input(dead_letters=bad.count)
    aggregator = plan(recording.span())
    if aggregator is not None:
        aggregate(recording, aggregator, counts)
    return counts, aggregator


def _rows(aggregator: Aggregator, names: Sequence[str], *, packed: bool) -> list[Any]:
    """The rows with their times as text; as JSON at once if that is what is written, since a row is several times as large."""
    zone = aggregator.policy.time_zone
    texts: dict[int, str] = {}
    rows: list[Any] = []
    encode = msgspec.json.encode
    for row in aggregator.each_row(names):
        for key in ("start", "end"):
            ms = row[key]
            row[key] = texts.get(ms) or texts.setdefault(ms, rfc3339(ms, zone))
        rows.append(msgspec.Raw(encode(row)) if packed else row)
    return rows
