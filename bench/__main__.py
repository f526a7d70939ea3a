"""All benchmarks: `make bench`. ARGS choose parts, rounds and sizes: `make bench ARGS="peers --rounds 5"`."""

import argparse
import tempfile
from pathlib import Path

from bench import latency, memory, report_speed, scale
from bench.common import machine
from bench.kafka import Kafka
from bench.peers import rounds
from bench.processes import end_in_good_order
from tests.integration.kafka_server import ServerUnavailable

PARTS = ("peers", "latency", "scale", "memory", "report")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description="Measures, checks, prints, and writes docs/benchmarks.md.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all without any")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=1_000_000, help="at most, for each peer")
    parser.add_argument("--peers", default="", help="names, separated by commas; all without")
    parser.add_argument("--seconds", type=int, default=30, help="of each run at 2,000 events/s")
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; choose from {', '.join(PARTS)}")
    parts = chosen.parts or PARTS
    only = tuple(name for name in chosen.peers.split(",") if name)
    end_in_good_order()
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory(prefix="firstline-bench-") as name:
        folder = Path(name)
        if "memory" in parts:
            memory.report()
        if {"peers", "latency", "scale"} & set(parts):
            try:
                with Kafka(folder).running() as kafka:
                    if "peers" in parts:
                        rounds.report(rounds.run(kafka, folder, rounds=chosen.rounds, events=chosen.events, only=only), chosen.rounds)
                    if "latency" in parts:
                        latency.report(kafka, folder, seconds=chosen.seconds, only=only)
                    if "scale" in parts:
                        scale.report(kafka, folder, events=chosen.events)
            except ServerUnavailable as exc:
                print(f"peers, latency and scale: skipped: {exc}")
                return 1
        if "report" in parts:
            report_speed.main(min(chosen.events, 500_000), chosen.rounds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
