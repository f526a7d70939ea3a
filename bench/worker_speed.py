"""How fast the worker is on the embedded broker, beside plain Faust on the same broker and events.

    python -m bench.worker_speed [EVENTS [ROUNDS [EVENTS OF PLAIN FAUST]]]

The worker's time runs from the first event sent to the last one in the ledger; the broker and the producer are another process. It does
its whole job: all KPIs, the default segmentations and windows, deduplication, changelog, rows, board. Plain Faust finds its events in the
broker already, counts a little, and its time ends before its last table writes are acknowledged.
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from itertools import islice
from pathlib import Path
from statistics import median

from agents.broker import EmbeddedBroker, ReadAhead
from agents.feed import Feeder, Item
from agents.settings import Settings
from bench.common import machine, spread, synthetic, told
from streams.events import decode

_PATIENCE_S = 60.0


async def _start(log: Path, script: str, *args: object) -> Process:
    """Starts a module beside this one, over the installed program (-P), which may be compiled."""
    with log.open("wb") as err:
        command = [sys.executable, "-P", str(Path(__file__).with_name(script)), *map(str, args)]
        return await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=err, start_new_session=True)


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


async def _line(process: Process, log: Path) -> list[str]:
    """The next line of a child's output, in words. Raises RuntimeError with the end of its log if there is none."""
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), _PATIENCE_S)
    if not line:
        raise RuntimeError(f"a benchmarked process ended:\n{_tail(log)}")
    return line.decode().split()


async def _end(process: Process) -> None:
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def worker(items: list[Item], folder: Path) -> tuple[float, float]:
    """Seconds until the last event is in the ledger, and until the final rows are on the board."""
    log = folder / "worker.log"
    with EmbeddedBroker() as broker:
        process = await _start(log, "worker_child.py", broker.address)
        try:
            while await _line(process, log) != ["ready"]:
                pass
            ahead = ReadAhead()
            feeder = Feeder(Settings(brokers=broker.address), ahead)
            start = last = time.perf_counter()

            async def feed() -> None:
                await feeder.feed(items, None)
                await feeder.finish()

            feeding = asyncio.create_task(feed(), name="feed")
            while (words := await _line(process, log)) != ["final"]:
                last = time.perf_counter()
                ahead.read(words[1], int(words[2]), int(words[3]))
            final = time.perf_counter()
            await feeding
            return last - start, final - start
        finally:
            await _end(process)


async def plain_faust(items: list[Item], folder: Path) -> float:
    """Seconds from its first event to its last."""
    log = folder / "faust.log"
    with EmbeddedBroker() as broker:
        await Feeder(Settings(brokers=broker.address), ReadAhead(1 << 40)).feed(items, None)
        process = await _start(log, "peer_faust.py", broker.address, len(items), folder)
        try:
            while (words := await _line(process, log))[0] != "done":
                pass
            return float(words[1])
        finally:
            await _end(process)


def main(number: int = 250_000, rounds: int = 3, few: int = 5_000) -> None:
    print(machine())
    ours, whole, theirs = [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "synthetic.jsonl"
        synthetic(path, number)
        items = []
        with path.open("rb") as lines:
            for line in lines:
                subject, event = decode(line)
                items.append(Item(event.time, subject.encode(), line, event.topic))
        for _ in range(rounds):
            last, final = asyncio.run(worker(items, folder))
            ours.append(number / last)
            whole.append(number / final)
            theirs.append(few / asyncio.run(plain_faust(list(islice(items, few)), folder)))
    times = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    told(
        f"Worker on the embedded broker: {number:,} events ({few:,} for plain Faust), median of {rounds} rounds",
        ("", "events/s", "min–max", "times plain Faust"),
        [
            ("plain Faust", *spread(theirs), "1"),
            ("firstline worker, until all is in the ledger", *spread(ours), f"{median(times):,.0f}"),
            ("firstline worker, until the final rows", *spread(whole), ""),
        ],
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
