"""Memory of the worker: bytes of an open call and of a closed one, in the ledger and the view together."""

import json
import subprocess

from bench.document import TARGETS, target, write
from bench.document import table as table_of
from bench.processes import module

CALLS = 100_000
_WANTED = {"open": ("an open call (queued, answered)", 1500), "closed": ("a closed call (queued, answered or missed, ended)", 350)}


def of(kind: str, calls: int) -> dict[str, float]:
    """What `bench.state` says."""
    told = subprocess.run(module("bench.state", kind, calls), check=True, stdout=subprocess.PIPE, text=True).stdout
    measured: dict[str, float] = json.loads(told)
    return measured


def report() -> None:
    targets = []
    for kind, (what, most) in _WANTED.items():
        found = of(kind, CALLS)["bytes"]
        targets.append(target(what, f"≤ {most:,} bytes", f"{found:,.0f} bytes", found <= most))
    write(
        "Memory",
        f"What the resident memory of a process grows by, a call, with {CALLS:,} calls in the ledger and the view of one "
        "partition, default policy, one queue and one agent, so that panes are few. "
        "All events of a call are kept until `retention` has passed.\n\n" + table_of(TARGETS, targets),
    )
