"""`firstline verify`: are the live rows what the log says?"""

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import typer

from agents.cli.common import FailedError, OptionError, PolicyFile, counted, note, policy_of, printable, progress, warn
from agents.cli.report_options import segmentations
from agents.cli.settings import Brokers, need_kafka, settings_of
from streams.calendar_time import rfc3339
from streams.policy_file import suggestion

if TYPE_CHECKING:
    from agents.verify import Verified

MOST_SHOWN = 50

By = Annotated[list[str] | None, typer.Option("--by", metavar="DIM[,DIM]", help="Only rows of this segmentation: queue, team, all, …")]
Window = Annotated[str | None, typer.Option("--window", metavar="W", help="Only rows of this window of the policy.")]
Clock = Annotated[Literal["wall", "recording"] | None, typer.Option("--clock", help="That of the workers.  [default: wall]")]
Patience = Annotated[float, typer.Option("--patience", metavar="SECONDS", min=1.0, help="How long to wait for rows of every segment.")]
Format = Annotated[Literal["table", "json"], typer.Option("--format", help="How to write it.")]


def verify(
    by: By = None,
    window: Window = None,
    clock: Clock = None,
    policy: PolicyFile = None,
    brokers: Brokers = None,
    patience: Patience = 60.0,
    format: Format = "table",
) -> None:
    """Makes live rows anew from the log, as a report would, and compares every figure, while the workers run; exit 1 if any differs.

    With each tick the workers say how far they have read the source topics, so it is known of a row which events are in it, and events that
    come late or wait to be read make no difference. What differs is looked at again in two later rows and told only if it differs in all
    three: just after a partition has moved to another worker its rows may hold more than that one has read.

    \b
    Examples:
      firstline verify
      firstline verify --by queue --window today --policy policy.toml
      firstline verify --format json --brokers kafka:9092
    """
    from agents import topics
    from agents.topic_reader import ReadingFailedError
    from agents.verify import NothingLiveError, Verifier, Wanted

    rules = policy_of(policy)
    windows = [each.name for each in rules.windows]
    if window is not None and window not in windows:
        raise OptionError(f'--window: the policy has no "{window}"; {suggestion(window, windows)}')
    chosen = [dims for text in by or () for dims in ([()] if text == "all" else segmentations([text]))]
    if unknown := [",".join(dims) for dims in chosen if dims not in rules.row_segmentations]:
        raise OptionError(f"--by: the policy has no rows by {' or '.join(unknown)}; name one of its segments, or all for the whole centre")
    wanted = Wanted(chosen, window)
    settings = settings_of(clock=clock, brokers=brokers)
    need_kafka(settings)
    try:
        partitions = topics.ensure(settings)
        with progress("reading", None, unit="records") as advance:
            found = Verifier(settings, rules, partitions, wanted, patience, advance).run()
    except (ReadingFailedError, NothingLiveError, topics.TopicsError) as exc:
        raise FailedError(str(exc)) from exc
    for (topic, partition), start in found.expired.items():
        warn(f"{topic}, partition {partition}: the events before offset {start} have expired; rows that hold them differ")
    if found.left_out:
        note(f"{counted(len(found.left_out), 'segment')} left out: not published in time (--patience)")
    (_as_json if format == "json" else _as_table)(found, rules.time_zone)
    if found.differences:
        raise typer.Exit(1)


def _told(found: "Verified", zone: str) -> dict[str, Any]:
    return {
        "format": "firstline.verify/1",
        "instants": [rfc3339(at, zone) for at in found.instants],
        "segments": found.segments,
        "rows": found.rows,
        "figures": found.figures,
        "left_out": [dict(zip(*segment, strict=True)) for segment in found.left_out],
        "differences": [{**each._asdict(), "segment": dict(zip(*each.segment, strict=True))} for each in found.differences],
    }


def _as_json(found: "Verified", zone: str) -> None:
    stream = typer.get_binary_stream("stdout")
    stream.write(msgspec.json.format(msgspec.json.encode(_told(found, zone)), indent=2) + b"\n")
    stream.flush()


def _as_table(found: "Verified", zone: str) -> None:
    from rich.console import Console
    from rich.table import Table

    if found.differences:
        console = Console(file=sys.stdout, highlight=False, emoji=False, markup=False)
        if not console.is_terminal:
            console.width = 10_000
        table = Table("segment", "window", "from", "to", "figure", "live", "recomputed", box=None, pad_edge=False)
        for each in found.differences[:MOST_SHOWN]:
            segment = ", ".join(f"{name} {'–' if value is None else printable(value)}" for name, value in zip(*each.segment, strict=True))
            table.add_row(segment or "whole centre", each.window, each.start, each.end, each.figure, str(each.live), str(each.recomputed))
        console.print(table)
        if len(found.differences) > MOST_SHOWN:
            note(f"{len(found.differences) - MOST_SHOWN:,} more; --format json has all")
    at = ", ".join(rfc3339(each, zone) for each in found.instants)
    typer.echo(
        f"{counted(len(found.differences), 'difference')} in {counted(found.figures, 'figure')} of {counted(found.rows, 'row')} "
        f"of {counted(found.segments, 'segment')}, at {at}"
    )
