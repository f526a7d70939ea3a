"""The report as JSON, as CSV and as tables for a terminal. Numbers are rounded in tables only."""

import csv
import sys
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from types import MappingProxyType
from typing import Any

import msgspec
import typer

from agents.cli.common import printable
from agents.cli.report_text import NONE, cells, columns, details, label, title

Report = dict[str, Any]

CORE = (
    "offered", "answered", "missed", "service_level", "abandon_rate", "first_response_time", "opened", "resolved", "backlog", "waiting",
    "longest_wait",
)  # fmt: skip
"""What a table shows unless KPIs are named."""


def _out(data: bytes) -> None:
    stream = typer.get_binary_stream("stdout")
    stream.write(data)
    stream.flush()


def as_json(report: Report, names: Sequence[str], zone: str) -> None:
    """The report of the interface contract."""
    _out(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")


def as_csv(report: Report, names: Sequence[str], zone: str) -> None:
    """One line a row: `by`, `segment.<dimension>`, `start`, `end`, then one column a number, such as `service_level.variants.ignored`."""
    rows = [_flat(row) for row in report["rows"]]
    # Columns of segments before those of KPIs, each in the order of its first appearance.
    found = dict.fromkeys(name for row in rows for name in row)
    segment = [name for name in found if name.startswith("segment.")]
    header = ["by", *segment, "start", "end", *(name for name in found if name not in {"by", "start", "end", *segment})]
    text = StringIO()
    writer = csv.DictWriter(text, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    _out(text.getvalue().encode())


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    segment = row["segment"]
    out: dict[str, Any] = {"by": ",".join(segment) or "all"}
    out |= {f"segment.{name}": value for name, value in segment.items()}
    out |= {"start": row["start"], "end": row["end"]}
    for name, figure in row["kpis"].items():
        _flatten(name, figure, out)
    return out


def _flatten(name: str, value: object, out: dict[str, Any]) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _flatten(f"{name}.{key}", inner, out)
    else:
        out[name] = str(value).lower() if isinstance(value, bool) else value


def as_table(report: Report, names: Sequence[str], zone: str) -> None:
    """Tables for people: one of all KPIs of a single row, else a line a row with the core KPIs or those named."""
    from rich.console import Console
    from rich.table import Table

    shown = list(names) or list(CORE)
    console = Console(file=sys.stdout, highlight=False, emoji=False, markup=False)
    if not console.is_terminal:
        # Somewhere else than on a screen there is no edge to wrap at.
        console.width = 10_000
    rows = report["rows"]
    if report["at"] is not None:
        console.print(title(report, zone))
    if len(rows) == 1:
        table = Table("KPI", box=None, pad_edge=False)
        table.add_column("value", justify="right")
        table.add_column("details")
        for name in shown:
            figure = rows[0]["kpis"][name]
            table.add_row(label(name), cells(name, figure)[0], details(name, figure))
        console.print(table)
    for dims in dict.fromkeys(tuple(row["segment"]) for row in rows) if len(rows) > 1 else ():
        table = Table(*dims, "from", box=None, pad_edge=False, padding=(0, 1), title_justify="left")
        for name in shown:
            for text in columns(name):
                table.add_column(text, justify="right")
        for row in rows:
            if tuple(row["segment"]) == dims:
                segment = (NONE if value is None else printable(value) for value in row["segment"].values())
                texts = (text for name in shown for text in cells(name, row["kpis"][name]))
                table.add_row(*segment, row["start"][:16].replace("T", " "), *texts)
        console.print(table)


WRITERS: Mapping[str, Callable[[Report, Sequence[str], str], None]] = MappingProxyType({"json": as_json, "csv": as_csv, "table": as_table})
"""By the name of `--format`."""
