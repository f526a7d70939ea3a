"""How fast `firstline report` is, from starting the program to its end, beside msgspec that only decodes the same file.

    python -m bench.report_speed [EVENTS [ROUNDS]]

The rounds are interleaved and a ratio is one of its own round, so that a machine that slows down slows all of them.
"""

import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import msgspec

from bench.common import DATA, firstline, machine, spread, synthetic, told
from streams import events
from streams.policy import DEFAULT

CALLS = ("calls_bank_1999/january_1999.tsv.gz", "calls_bank_1999/february_1999.tsv.gz")


def report(path: Path) -> float:
    """Seconds of the whole program, with the default segmentations, its JSON thrown away."""
    by = [word for dims in DEFAULT.segments for word in ("--by", ",".join(dims))]
    start = time.perf_counter()
    subprocess.run([firstline(), "report", str(path), *by, "--format", "json"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def decoding(path: Path, decode: Callable[[bytes], object]) -> float:
    """Seconds to read the file and decode each line, keeping nothing."""
    gc.collect()
    start = time.perf_counter()
    with path.open("rb") as lines:
        for line in lines:
            decode(line)
    return time.perf_counter() - start


def against_msgspec(path: Path, number: int, rounds: int) -> None:
    typed: Callable[[bytes], object] = events._structured
    work: dict[str, Callable[[], float]] = {
        "msgspec, typed": lambda: decoding(path, typed),
        "msgspec, to dictionaries": lambda: decoding(path, msgspec.json.decode),
        "firstline report": lambda: report(path),
    }
    taken: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, run in work.items():
            taken[name].append(run())
    ours = taken["firstline report"]
    rows = []
    for name, seconds in taken.items():
        rates, range_ = spread([number / each for each in seconds])
        share = median(theirs / mine for theirs, mine in zip(seconds, ours, strict=True))
        rows.append((name, rates, range_, "" if name == "firstline report" else f"{share:.1%}"))
    size = f"{number:,} events, {path.stat().st_size / 1e6:.0f} MB"
    told(
        f"Report from start to end of the program: {size}, default segmentations, median of {rounds} rounds",
        ("", "events/s", "min–max", "report is at"),
        rows,
    )


def bank_calls(folder: Path, rounds: int) -> None:
    files = [DATA / name for name in CALLS]
    if not all(file.exists() for file in files):
        print("\nBank calls: skipped, the recordings are not here (FIRSTLINE_DATA names their folder)")
        return
    path = folder / "calls.jsonl"
    with path.open("wb") as out:
        subprocess.run([firstline(), "convert", "bank1999", *map(str, files)], stdout=out, check=True)
    with path.open("rb") as lines:
        calls = len({events.decode(line)[0] for line in lines})
    seconds = [report(path) for _ in range(rounds)]
    middle, range_ = spread(seconds, 2)
    told(
        f"{calls:,} calls of a bank, default segmentations, median of {rounds} runs",
        ("", "s", "min–max"),
        [("firstline report", middle, range_)],
    )


def main(number: int = 1_000_000, rounds: int = 5) -> None:
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "synthetic.jsonl"
        synthetic(path, number)
        against_msgspec(path, number, rounds)
        bank_calls(folder, rounds)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
