"""A worker as a process of its own, for tests that kill it. Settings come from the environment; each snapshot's facts go to SNAPSHOTS.

PAUSE and FAIL are shares of the ledger's writes: before so many the process puts itself to sleep (SIGSTOP, with the records packed and the
send next), after so many the send reports an error although the records are there. RETIRE_EVERY is how often it looks for what is older
than the policy's retention, in seconds.
"""

import asyncio
import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from agents import logs, worker
from agents.settings import Settings
from agents.topics import LEDGER
from agents.worker import Worker, run_worker
from streams.policy import load
from streams.snapshot import Snapshot


def inject(pause: float, fail: float) -> None:
    sending = AIOKafkaProducer.send_batch

    async def send_batch(producer: Any, batch: Any, topic: str, *, partition: int) -> Any:
        attacked = topic.endswith(LEDGER)
        if attacked and random.random() < pause:
            os.kill(os.getpid(), signal.SIGSTOP)
        future = await sending(producer, batch, topic, partition=partition)
        if attacked and random.random() < fail:
            future = asyncio.get_running_loop().create_future()
            future.set_exception(OSError("injected"))
        return future

    AIOKafkaProducer.send_batch = send_batch


def main() -> int:
    logs.configure()
    inject(float(os.environ.get("PAUSE", "0")), float(os.environ.get("FAIL", "0")))
    worker.RETIRE_EVERY_S = float(os.environ.get("RETIRE_EVERY", worker.RETIRE_EVERY_S))
    out = Path(os.environ["SNAPSHOTS"])

    def on_snapshot(snapshot: Snapshot) -> None:
        rows = {"/".join(map(str, key)): row for key, row in snapshot.changed.items()} if snapshot.final else {}
        facts = {"at": snapshot.at, "tick": snapshot.tick, "complete": snapshot.complete, "final": snapshot.final, "rows": rows}
        with out.open("a") as f:
            f.write(json.dumps(facts) + "\n")

    return run_worker(Worker(Settings(), load(os.environ.get("POLICY", "")), on_snapshot=on_snapshot))


if __name__ == "__main__":
    sys.exit(main())
