"""docs/benchmarks.md: a section a part, each with the machine and date of its run; a part that was not run keeps the section it had."""

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.common import machine
from bench.processes import ROOT

PATH = ROOT / "docs" / "benchmarks.md"
IMAGES = ROOT / "docs" / "images"
_HEAD = """# Benchmarks

Written by `make bench` and `make load` from what they measured. Everything runs on one machine: the broker, what is measured and what
measures. So a rate is worth something only beside another of the same run, and most figures here are such ratios.
"""
ORDER = ("Peers", "Latency", "Scale", "Load", "Memory")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table: the first column to the left, the others to the right, unless their heading ends with a space."""
    align = ["---"] + ["---" if each.endswith(" ") else "---:" for each in head[1:]]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in ([each.strip() for each in head], align, *rows))


def target(what: str, wanted: str, measured: str, reached: bool) -> tuple[str, str, str, str]:
    """A row of a table of targets."""
    return what, wanted, measured, "yes" if reached else "**no**"


TARGETS = ("target ", "wanted", "measured", "reached")


def write(title: str, body: str, path: Path = PATH) -> None:
    """Puts a section in its place and prints it."""
    when = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d")
    section = f"*{machine()}, {when}.*\n\n{body.strip()}\n"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    sections = dict(re.findall(r"^## (.+?)\n\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE))
    sections[title] = section
    known = [each for each in ORDER if each in sections]
    path.write_text(_HEAD + "".join(f"\n## {each}\n\n{sections[each].strip()}\n" for each in known), encoding="utf-8")
    print(f"\n## {title}\n\n{section}", flush=True)
