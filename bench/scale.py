"""How the rate of the whole worker changes with processes, with segments, and with what is open."""

import os
from collections.abc import Iterable
from pathlib import Path
from statistics import median

from bench import memory
from bench.document import IMAGES, table, write
from bench.graph import bars
from bench.kafka import Kafka
from bench.peers import worker
from bench.peers.harness import Result

PROCESSES = (1, 2, 4)
QUEUES = (20, 200, 2_000)
OPEN = (10_000, 100_000, 1_000_000)
EVENTS = 200_000
ROUNDS = 2
_POLICY = "max_segments = 100000\n"
"""2,000 queues with five priorities each are more segments than the default admits; the rest of the policy is the default."""
_NOTHING = "–"
Run = tuple[str, float, list[Result]]
"""Label, median rate, and the results that are right."""


def report(kafka: Kafka, folder: Path, *, events: int, rounds: int = ROUNDS) -> None:
    number = min(events, EVENTS)
    IMAGES.mkdir(exist_ok=True)
    runs = _runs(kafka, folder, rounds, number, {(n, QUEUES[0]) for n in PROCESSES} | {(PROCESSES[0], n) for n in QUEUES})
    processes = [_middle(f"{n}", runs[n, QUEUES[0]]) for n in PROCESSES]
    segments = [_middle(f"{n:,}", runs[PROCESSES[0], n]) for n in QUEUES]
    opened = []
    for n in OPEN:
        if n <= max(events, OPEN[0]):
            found = memory.of("open", n)
            opened.append((f"{n:,}", found["rate"], found))
            print(f"scale: {n:,} open: {found}", flush=True)
    for name, title, values in (
        ("processes", "events/s by worker processes", processes),
        ("segments", "events/s by queues", segments),
        ("open", "events/s by open interactions, without Kafka", opened),
    ):
        bars(IMAGES / f"scale_{name}.svg", title, [(label, rate, f"{rate:,.0f}") for label, rate, *_ in values if rate])
    head = ("", "events/s", "CPU s a million", "peak MiB")
    per_open = [[label, f"{rate:,.0f}", f"{found['bytes']:,.0f}", f"{found['tick_ms']:,.1f}"] for label, rate, found in opened]
    write(
        "Scale",
        f"The whole worker on {number:,} events of the peers' job, everything on, until all are committed; medians of {rounds} "
        f"rounds. This machine has {len(os.sched_getaffinity(0))} cores for the broker, the workers and Redis together, so more "
        "processes than cores show that nothing breaks, not how far it goes. `max_segments` is raised for the many queues. "
        "With several workers the time of the first assignment is in it.\n\n"
        "Processes, 4 partitions:\n\n"
        + table(head, _rows(processes))
        + "\n\n![Events a second by processes](images/scale_processes.svg)\n\nQueues (and five times as many with their priorities):\n\n"
        + table(head, _rows(segments))
        + "\n\n![Events a second by queues](images/scale_segments.svg)\n\nOpen interactions, one partition's ledger and view in a process "
        "without Kafka:\n\n"
        + table(("", "events/s", "bytes an open call", "a tick, ms"), per_open)
        + "\n\n![Events a second by open interactions](images/scale_open.svg)",
    )


def _runs(kafka: Kafka, folder: Path, rounds: int, events: int, what: Iterable[tuple[int, int]]) -> dict[tuple[int, int], list[Result]]:
    """(workers, queues) → results that are right; in turn in each round."""
    policy = folder / "policy.toml"
    policy.write_text(_POLICY)
    good: dict[tuple[int, int], list[Result]] = {each: [] for each in sorted(what)}
    for _ in range(rounds):
        for (workers, queues), right in good.items():
            told = {"FIRSTLINE_POLICY": str(policy)}
            result = worker.run(kafka, kafka.dataset(events, queues), folder, workers=workers, env=told)
            print(f"scale: {workers} processes, {queues:,} queues: {result.error or f'{result.rate:,.0f} events/s'}", flush=True)
            if not result.error:
                right.append(result)
    return good


def _middle(label: str, results: list[Result]) -> Run:
    return label, median(each.rate for each in results) if results else 0.0, results


def _rows(runs: Iterable[Run]) -> list[list[str]]:
    out = []
    for label, rate, results in runs:
        if results:
            cpu, peak = (median(figure) for figure in zip(*((each.cpu_per_million, each.peak) for each in results), strict=True))
            out.append([label, f"{rate:,.0f}", f"{cpu:.1f}", f"{peak:,.0f}"])
        else:
            out.append([label, "failed", _NOTHING, _NOTHING])
    return out
