"""The results of many runs, as they are kept for docs/reliability.md."""

import os
import platform
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tests.chaos.attack import Result
from tests.chaos.scenarios import SCENARIOS
from tests.integration.kafka_server import VERSION

RESULT = Path(__file__).with_name("result.json")


class Line(msgspec.Struct, kw_only=True):
    """All runs of one scenario."""

    runs: int
    faults: dict[str, int]
    records: dict[str, int]
    compared: dict[str, int]
    openings: int
    stopped: int
    differences: int


class Results(msgspec.Struct, kw_only=True):
    """All runs of one session."""

    seed: int
    date: str
    machine: str
    kafka: str
    seconds: int
    scenarios: dict[str, Line]
    oracle_differences: int
    """Figures of the report that are not those of the DuckDB oracle, over the inputs of all runs."""
    problems: list[str]

    @classmethod
    def of(cls, seed: int, results: Sequence[Result], oracle: Sequence[str], seconds: float) -> "Results":
        by_name = {name: [result for result in results if result.run == name] for name in SCENARIOS}
        problems = [f"{result.run} {result.seed}: {text}" for result in results for text in result.problems]
        return cls(
            seed=seed,
            date=datetime.now(UTC).date().isoformat(),
            machine=f"{os.cpu_count()} cores ({_processor()}), Python {platform.python_version()}",
            kafka=VERSION,
            seconds=round(seconds),
            scenarios={name: _line(found) for name, found in by_name.items() if found},
            oracle_differences=len(oracle),
            problems=[*problems, *(f"oracle: {text}" for text in oracle)],
        )

    @property
    def faults(self) -> int:
        return sum(sum(line.faults.values()) for line in self.scenarios.values())

    @property
    def differences(self) -> int:
        return sum(line.differences for line in self.scenarios.values()) + self.oracle_differences

    @property
    def good(self) -> bool:
        return not self.differences and not self.problems

    def closing(self) -> str:
        runs = sum(line.runs for line in self.scenarios.values())
        records = sum(line.records.get("records", 0) for line in self.scenarios.values())
        rows = sum(line.compared.get("rows", 0) for line in self.scenarios.values())
        wrong = f", {len(self.problems)} problems" if self.problems else ""
        return (
            f"seed {self.seed}: {self.faults:,} faults in {runs} runs, {records:,} records, {rows:,} final rows compared twice: "
            f"{self.differences} differences{wrong}; {self.seconds // 60} min {self.seconds % 60} s on {self.machine}, "
            f"Apache Kafka {self.kafka}"
        )


def _line(results: Sequence[Result]) -> Line:
    return Line(
        runs=len(results),
        faults=_sum(result.faults for result in results),
        records=_sum(result.records for result in results),
        compared=_sum(result.compared for result in results),
        openings=sum(result.openings for result in results),
        stopped=sum(result.stopped for result in results),
        differences=sum(sum(result.differences.values()) for result in results),
    )


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    out: Counter[str] = Counter()
    for each in counts:
        out.update(each)
    return dict(sorted(out.items()))


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def load() -> Results:
    """The kept result."""
    return msgspec.json.decode(RESULT.read_bytes(), type=Results)


def table(results: Results) -> str:
    """A line for each scenario: what was broken how often, and what differed."""
    head = ("scenario", "runs", "faults", "of them", "records", "openings", "rows compared", "differences")
    rows: list[tuple[str, ...]] = [head, ("---",) * len(head)]
    for name, line in results.scenarios.items():
        kinds = ", ".join(f"{number} {kind}" for kind, number in line.faults.items())
        rows.append(
            (
                f"`{name}`", f"{line.runs}", f"{sum(line.faults.values()):,}", kinds, f"{line.records.get('records', 0):,}",
                f"{line.openings:,}", f"{line.compared.get('rows', 0):,}", f"{line.differences}",
            )
        )  # fmt: skip
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
