"""A worker as a process of its own, for tests that kill it. Settings come from the environment; each snapshot's facts go to SNAPSHOTS."""

import json
import os
import sys
from pathlib import Path

from agents import logs
from agents.settings import Settings
from agents.worker import Worker, run_worker
from streams.policy import load
from streams.snapshot import Snapshot


def main() -> int:
    logs.configure()
    out = Path(os.environ["SNAPSHOTS"])

    def on_snapshot(snapshot: Snapshot) -> None:
        rows = {"/".join(map(str, key)): row for key, row in snapshot.changed.items()} if snapshot.final else {}
        facts = {"at": snapshot.at, "tick": snapshot.tick, "complete": snapshot.complete, "final": snapshot.final, "rows": rows}
        with out.open("a") as f:
            f.write(json.dumps(facts) + "\n")

    return run_worker(Worker(Settings(), load(os.environ.get("POLICY", "")), on_snapshot=on_snapshot))


if __name__ == "__main__":
    sys.exit(main())
