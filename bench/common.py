"""What the benchmarks share: the machine, a recording to measure with, and tables."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

from agents.synthetic import generate

DATA = Path(os.environ.get("FIRSTLINE_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
"""Recordings of real centres, where there are any."""


def machine() -> str:
    """Cores, CPU, Python, and whether Firstline is installed compiled: no rate means anything without them."""
    model = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    asked = "import streams.view; print(streams.view.__file__)"
    where = subprocess.run([sys.executable, "-P", "-c", asked], capture_output=True, text=True, check=True).stdout
    compiled = "uncompiled" if where.strip().endswith(".py") else "compiled"
    return f"{len(os.sched_getaffinity(0))} cores, {model or 'unknown CPU'}, Python {platform.python_version()}, Firstline {compiled}"


def firstline() -> str:
    """The program of this environment."""
    return str(Path(sys.executable).with_name("firstline"))


def synthetic(path: Path, events: int) -> None:
    """Writes a synthetic recording of so many events."""
    with path.open("wb") as out:
        for number, line in enumerate(generate(1, 365.0, "calm")):
            if number == events:
                return
            out.write(line)


def told(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints a table: the first column to the left, figures to the right."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    print(f"\n{title}")
    for line in lines:
        cells = [
            cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  " + "  ".join(cells).rstrip())


def spread(values: Sequence[float], digits: int = 0) -> tuple[str, str]:
    """Median, and smallest to largest."""
    return f"{median(values):,.{digits}f}", f"{min(values):,.{digits}f}–{max(values):,.{digits}f}"
