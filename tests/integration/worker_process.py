"""A worker as a process of its own, for tests that break it. Settings come from the environment; each snapshot's facts go to SNAPSHOTS.

FAULT and CLOCK are those of `tests.integration.injection`. RETIRE_EVERY is how often it looks for what is older than the policy's
retention, in seconds.
"""

import json
import os
import sys
from pathlib import Path

from agents import logs, worker
from agents.settings import Settings
from agents.worker import Worker, run_worker
from streams.policy import load
from streams.snapshot import Snapshot
from tests.integration.injection import inject, shift_clock
from tests.integration.invariants import broken


def main() -> int:
    logs.configure()
    if fault := os.environ.get("FAULT"):
        inject(fault)
    if clock := os.environ.get("CLOCK"):
        shift_clock(Path(clock))
    worker.RETIRE_EVERY_S = float(os.environ.get("RETIRE_EVERY", worker.RETIRE_EVERY_S))
    out = Path(os.environ["SNAPSHOTS"])

    def on_snapshot(snapshot: Snapshot) -> None:
        rows = {"/".join(map(str, key)): row for key, row in snapshot.changed.items()} if snapshot.final else {}
        facts = {"at": snapshot.at, "tick": snapshot.tick, "complete": snapshot.complete, "final": snapshot.final, "rows": rows}
        with out.open("a") as f:
            f.write(json.dumps(facts | {"broken": broken(snapshot)}) + "\n")

    return run_worker(Worker(Settings(), load(os.environ.get("POLICY", "")), on_snapshot=on_snapshot))


if __name__ == "__main__":
    sys.exit(main())
