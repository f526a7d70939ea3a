"""Breaks workers, brokers, networks and clocks until enough is broken: `make chaos`, or `python -m tests.chaos.run [SCENARIO…]`.

Prints the seed, one JSON line a run and a table; exit 1 if anything differs. Each run takes a seed of its own, so `--seed` of a line's seed
and the name of its scenario, with `--faults 1`, breaks the same things again (not at the same instants: those are the machine's).
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import msgspec

from tests.chaos.attack import Attack, Result
from tests.chaos.given import LONG_EVENTS, Given, Rows, expected, make_given
from tests.chaos.results import RESULT, Results, table
from tests.chaos.scenarios import SCENARIOS
from tests.integration.kafka_server import KafkaServer

EVENTS = 7_000
LONG = (700, LONG_EVENTS, 300)
"""How long the long chat of an input is; the oracle takes quadratic time for it, so not every input has one of the longest."""


@dataclass(frozen=True)
class Input:
    """Given records, the report's rows of them, and where the DuckDB oracle differs from the report."""

    given: Given
    rows: Rows
    oracle: list[str]


def make_input(seed: int, events: int, long_events: int, folder: Path) -> Input:
    given = make_given(seed, events, long_events)
    return Input(given, *expected(given, folder))


def make_inputs(seed: int, events: int, long: Sequence[int], folder: Path) -> list[Input]:
    """Inputs of this seed and the following ones, made side by side."""
    with ProcessPoolExecutor(2) as pool:
        return [made.result() for made in [pool.submit(make_input, seed + n, events, each, folder) for n, each in enumerate(long)]]


@dataclass(frozen=True)
class Job:
    """A run that is planned."""

    name: str
    seed: int
    faults: int


def plan(names: Sequence[str], seed: int, faults: int) -> list[Job]:
    """Runs of all scenarios in turn until so many faults are planned; each at least once."""
    jobs: list[Job] = []
    for number, name in enumerate(cycle(names)):
        if number >= len(names) and sum(job.faults for job in jobs) >= faults:
            return jobs
        jobs.append(Job(name, seed + number, SCENARIOS[name].faults))
    return jobs


@contextmanager
def shared_broker() -> Iterator[KafkaServer]:
    """The broker of the runs that leave it alone."""
    with tempfile.TemporaryDirectory() as folder:
        broker = KafkaServer(Path(folder))
        broker.start()
        try:
            yield broker
        finally:
            broker.kill()


def carry_out(
    jobs: Sequence[Job], inputs: Sequence[Input], broker: KafkaServer, lanes: int, tell: Callable[[Result], None]
) -> list[Result]:
    """All runs, some side by side: they wait most of the time."""

    def one(job: Job, made: Input) -> Result:
        attack = Attack(job.name, job.seed, made.given, made.rows, job.faults, broker)
        try:
            return attack.run()
        except Exception as exc:  # a run that breaks off must not take the others along
            return Result(
                run=job.name, seed=job.seed, input=made.given.seed, faults={}, records={}, compared={}, openings=0, stopped=0,
                differences={}, problems=[repr(exc)], seconds={},
            )  # fmt: skip

    results = []
    with ThreadPoolExecutor(lanes) as pool:
        # those with a broker of their own first: they take longest
        ordered = sorted(zip(jobs, cycle(inputs), strict=False), key=lambda pair: not SCENARIOS[pair[0].name].own_broker)
        for done in as_completed([pool.submit(one, job, made) for job, made in ordered]):
            results.append(done.result())
            tell(results[-1])
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="*", help=f"any of {', '.join(SCENARIOS)}; all by default")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first run; the others follow  [default: the time]")
    parser.add_argument("--faults", type=int, default=1_000, help="how many at least  [default: 1000]")
    parser.add_argument("--lanes", type=int, default=3, help="runs side by side  [default: 3]")
    parser.add_argument("--events", type=int, default=EVENTS, help=f"of the synthetic centre in each input  [default: {EVENTS}]")
    parser.add_argument("--write", action="store_true", help="keep the result for docs/reliability.md (then run `make docs`)")
    options = parser.parse_args()
    if unknown := set(options.scenario) - set(SCENARIOS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    jobs = plan(options.scenario or list(SCENARIOS), options.seed, options.faults)
    sys.stdout.write(f"seed {options.seed}: {len(jobs)} runs, {sum(job.faults for job in jobs)} faults\n")
    started, told = time.monotonic(), [0, 0]

    def tell(result: Result) -> None:
        told[0] += 1
        told[1] += sum(result.faults.values())
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
        sys.stdout.flush()
        sys.stderr.write(f"{time.monotonic() - started:.0f} s: {told[0]} of {len(jobs)} runs, {told[1]} faults\n")

    with tempfile.TemporaryDirectory() as folder, shared_broker() as broker:
        inputs = make_inputs(options.seed, options.events, LONG[: len(jobs)], Path(folder))
        sys.stderr.write(f"{time.monotonic() - started:.0f} s: inputs made, report and oracle asked\n")
        done = carry_out(jobs, inputs, broker, options.lanes, tell)
    results = Results.of(options.seed, done, [text for each in inputs for text in each.oracle], time.monotonic() - started)
    sys.stdout.write(f"\n{table(results)}\n\n{results.closing()}\n")
    if options.write:
        RESULT.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    return 0 if results.good else 1


if __name__ == "__main__":
    sys.exit(main())
