"""Writes the generated parts of the docs, between `<!-- begin NAME -->` and `<!-- end NAME -->`. A test holds them to the code."""

import inspect
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
import typer
from prometheus_client.metrics_core import Metric

from agents import metrics
from agents.board import Board
from agents.cli import build
from agents.pipeline import Pipeline
from agents.settings import Settings
from agents.wallboard import sample
from streams.event_types import TYPES, Attributes, Instant
from streams.events import TOPIC_OF, TOPICS
from streams.kpis import FAMILIES, REGISTRY
from tests.chaos import results as chaos

ROOT = Path(__file__).resolve().parents[1]
EXCERPT = (
    "firstline generate --scenario outage",
    "firstline report - --at 2026-03-02T11:00 --window 1h --by queue"
    " --kpi offered --kpi service_level --kpi first_response_time --kpi backlog",
)
"""The pipeline whose output the README shows."""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def kpis() -> str:
    """One table a family, in the order of the registry."""
    parts = []
    for family in FAMILIES:
        module: Any = family
        path = Path(module.__file__).relative_to(ROOT)
        rows = (
            (
                f"`{kpi.name}`",
                kpi.unit,
                kpi.kind,
                f"`firstline_{metrics.metric_name(kpi)}`",
                "window" if kpi.windowed else "row's end",
                kpi.help,
            )
            for kpi in module.KPIS
        )
        title = path.stem.replace("_", " ").capitalize()
        parts.append(f"### {title}\n\n[`{path}`](../{path})\n\n" + table(("KPI", "unit", "kind", "metric", "of the", "meaning"), rows))
    return "\n\n".join(parts)


def _kind(of: Any) -> str:
    """A field's type for people."""
    origin = get_origin(of)
    if origin is Annotated:
        return "RFC 3339" if of is Instant else _kind(get_args(of)[0])
    if origin in (Union, UnionType):
        return _kind(next(each for each in get_args(of) if each is not type(None)))
    if origin is Literal:
        return ", ".join(get_args(of))
    if origin is tuple:
        inner = get_args(of)[0]
        shown = (
            f"objects: {', '.join(inner.__struct_fields__)}"
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct)
            else _kind(inner)
        )
        return f"list of {shown}"
    if origin is dict:
        return "object of numbers"
    return {str: "text", float: "number", int: "number", bool: "true, false"}[of]


_COMMON = frozenset(Attributes.__struct_fields__)


def event_types() -> str:
    """One table a topic: type, required and optional fields of its own."""
    own = {name: data for _, name, _, data in TYPES}
    parts = []
    for topic in TOPICS:
        rows = []
        for name, data in own.items():
            if TOPIC_OF[name] != topic:
                continue
            shared = issubclass(data, Attributes)
            fields = [field for field in msgspec.structs.fields(data) if not (shared and field.name in _COMMON)]
            shown = {field.encode_name: f"`{field.encode_name}` ({_kind(field.type)})" for field in fields}
            required = [field.encode_name for field in fields if field.required]
            optional = [name for name in shown if name not in required]
            rows.append((f"`{name}`", "; ".join(shown[name] for name in required), "; ".join(shown[name] for name in optional)))
        parts.append(f"### `{topic}`\n\n" + table(("type", "required", "optional"), rows))
    return "\n\n".join(parts)


def attributes() -> str:
    return ", ".join(f"`{field.encode_name}`" for field in msgspec.structs.fields(Attributes))


def commands() -> str:
    """Every command with its arguments and options, as `--help` says it."""
    group: Any = typer.main.get_command(build())
    return "\n\n".join(_command(name, command) for name, command in group.commands.items())


def _command(name: str, command: Any) -> str:
    params = [param for param in command.params if not param.hidden]
    arguments = [param for param in params if param.param_type_name == "argument"]
    usage = " ".join(["firstline", name, *(f"{param.metavar}{'…' if param.nargs < 0 else ''}" for param in arguments), "[OPTIONS]"])
    text, _, examples = inspect.cleandoc(command.help).replace("\b", "").replace("\f", "").partition("Examples:")
    parts = [f"### firstline {name}", f"`{usage}`", text.strip()]
    if params:
        parts.append(table(("argument or option", "default", "meaning"), map(_param, params)))
    if examples.strip():
        parts.append(f"```sh\n{textwrap.dedent(examples.strip(chr(10)))}\n```")
    return "\n\n".join(parts)


def _param(param: Any) -> tuple[str, str, str]:
    if param.param_type_name == "argument":
        return f"`{param.metavar}`", "required" if param.required else "", param.help
    names = "/".join([*param.opts, *param.secondary_opts])
    value = f" {param.metavar}" if param.metavar and not param.is_flag else ""
    help_text, _, told = (param.help or "").partition("  [default: ")
    default = told.removesuffix("]") or (
        "" if param.default is None or param.is_flag else str(getattr(param.default, "value", param.default))
    )
    again = " May repeat." if param.multiple and "repeat" not in help_text else ""
    env = f" Environment: `{param.envvar}`." if param.envvar else ""
    return f"`{names}{value}`", f"`{default}`" if default else "", f"{help_text}{again}{env}"


def settings() -> str:
    """The environment variables of all processes."""
    rows = (
        (f"`FIRSTLINE_{name.upper()}`", "" if field.default in (None, "") else f"`{field.default}`", _one_line(field.description))
        for name, field in Settings.model_fields.items()
    )
    return table(("variable", "default", "meaning"), rows)


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def page() -> list[Metric]:
    """Every metric there is, but for those of the KPIs, as a scrape of a made-up centre gives it."""
    board, pipeline = Board(), Pipeline("0")
    board.publish(sample.snapshot())
    pipeline.set_lag("calls", 0, 1)
    pipeline.event_delay_seconds, pipeline.kafka_silence_seconds, pipeline.open_interactions = 0.1, 0.1, 1
    found = list(metrics.FirstlineCollector(board, pipeline, REGISTRY, lambda: ("1h",)).collect())
    of_kpis = {f"{metrics.PREFIX}{metrics.metric_name(kpi)}" for kpi in REGISTRY.values()}
    return [metric for metric in found if metric.name not in of_kpis]


_LABELS = {"alert_active": "name, severity, by, channel, queue, team, priority", "build": "version"}
_TYPE = {"counter": "_total", "info": "_info"}


def metric_names() -> str:
    """The metrics that are no KPI."""
    rows = []
    for metric in page():
        names = {label for each in metric.samples for label in each.labels} - {"le"}
        shown = _LABELS.get(metric.name.removeprefix(metrics.PREFIX)) or _labels(metric.name, names)
        rows.append((f"`{metric.name}{_TYPE.get(metric.type, '')}`", metric.type, shown, metric.documentation))
    return table(("metric", "type", "labels", "meaning"), rows)


_OTHER_LABELS = {"events": "topic", "dead_letters": "reason", "publish_failures": "to", "consumer_lag_events": "topic, partition"}


def _labels(name: str, seen: set[str]) -> str:
    if known := _OTHER_LABELS.get(name.removeprefix(metrics.PREFIX)):
        return known
    if "by" not in seen:
        return ""
    return "by, segment" + (", window" if "window" in seen else "")


def excerpt() -> str:
    """What the README shows of the report: real output of the pipeline above."""
    firstline = str(Path(sys.executable).with_name("firstline"))
    data = b""
    for command in EXCERPT:
        done = subprocess.run([firstline, *command.split()[1:]], input=data, stdout=subprocess.PIPE, check=True)  # noqa: S603 - our own
        data = done.stdout
    shown = EXCERPT[1].replace(" --kpi", " \\\n        --kpi", 1)
    lines = [f"$ {EXCERPT[0]} \\", f"    | {shown}", *(line.rstrip() for line in data.decode().splitlines())]
    return "```text\n" + "\n".join(lines) + "\n```"


def reliability() -> str:
    """What the last long run of the chaos suite broke, and what differed."""
    kept = chaos.load()
    return f"{chaos.table(kept)}\n\n{kept.date}, {kept.closing()}."


BLOCKS: Mapping[str, Callable[[], str]] = {
    "kpis": kpis,
    "event types": event_types,
    "attributes": attributes,
    "commands": commands,
    "settings": settings,
    "metrics": metric_names,
    "excerpt": excerpt,
    "reliability": reliability,
}
_BLOCK = re.compile(r"(<!-- begin ([a-z ]+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)


def rendered(text: str) -> str:
    """A document with its generated blocks made anew."""
    return _BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found[2]]()}\n{found[3]}", text)


def documents() -> list[Path]:
    """All documents of the project."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "deploy").rglob("*.md"))]


def main() -> None:
    for path in documents():
        before = path.read_text(encoding="utf-8")
        after = rendered(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
