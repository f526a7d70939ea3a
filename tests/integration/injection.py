"""Faults a worker process meets at a named point of its own, from the environment variable FAULT: `action point number`.

The fault happens at the point's passage of that number, then is over; but a stall happens at every such passage. Before it happens a line
`fault injected: …` goes to the process's standard error, so that whoever breaks workers can count what was broken.

CLOCK names a file that holds by how many seconds the process's clock is off; it may change at any time.
"""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from agents.batching import changelog
from agents.batching.changelog import LedgerTable
from agents.topics import LEDGER

ACTIONS = ("kill", "sleep", "fail", "lose", "stall")
POINTS = ("before_send", "after_send", "before_commit", "after_commit", "recovering", "rebalance", "opening")
"""Before a batch of changelog records is sent; after it was acknowledged, with the rest of the flush unsent; around a commit; while the
changelog is read; when a rebalance begins; when partitions are about to be opened."""
SMALL_BATCH = 2_000
"""Bytes of a changelog batch: a flush then takes several sends, so that there is something between them."""
STALL_SECONDS = 1.5


class Injected(OSError):
    """What a send that is made to fail reports."""


class Fault:
    """One fault at one point."""

    def __init__(self, text: str) -> None:
        self.action, self.point, number = text.split()
        assert self.action in ACTIONS
        assert self.point in POINTS
        self.number = self.left = int(number)

    def due(self, point: str) -> bool:
        if point != self.point or self.left == 0:
            return False
        self.left -= 1
        if self.left:
            return False
        if self.action == "stall":
            self.left = self.number
        os.write(2, f"fault injected: {self.action} {self.point}\n".encode())
        return True

    def strike(self, point: str) -> None:
        """Ends the process or puts it to sleep, if that is due here."""
        if self.action in ("kill", "sleep") and self.due(point):
            os.kill(os.getpid(), signal.SIGKILL if self.action == "kill" else signal.SIGSTOP)


def inject(text: str) -> None:
    """Arms this process with a fault."""
    fault = Fault(text)
    changelog.MAX_BATCH_BYTES = SMALL_BATCH
    _into_sends(fault)
    _into_commits(fault)
    _before(LedgerTable, "apply_changelog_batch", lambda: fault.strike("recovering"))
    _before(LedgerTable, "on_rebalance", lambda: fault.strike("rebalance"))
    _before(LedgerTable, "on_recovery_completed", lambda: fault.strike("opening"))


def _into_sends(fault: Fault) -> None:
    sending = AIOKafkaProducer.send_batch

    async def send_batch(producer: Any, batch: Any, topic: str, *, partition: int) -> Any:
        if not topic.endswith(LEDGER):
            return await sending(producer, batch, topic, partition=partition)
        fault.strike("before_send")
        if fault.action == "stall" and fault.due("before_send"):
            await asyncio.sleep(STALL_SECONDS)
        if fault.action == "lose" and fault.due("before_send"):
            return _failed()
        future = await sending(producer, batch, topic, partition=partition)
        if fault.action == "fail" and fault.due("before_send"):
            return _failed()
        if fault.action == "kill" and fault.point == "after_send" and fault.left == 1:
            await future  # what was sent so far is there, what follows is not
        fault.strike("after_send")
        return future

    AIOKafkaProducer.send_batch = send_batch


def _failed() -> "asyncio.Future[Any]":
    future = asyncio.get_running_loop().create_future()
    future.set_exception(Injected("injected"))
    return future


def _into_commits(fault: Fault) -> None:
    committing = AIOKafkaConsumer.commit

    async def commit(consumer: Any, offsets: Any = None) -> Any:
        fault.strike("before_commit")
        done = await committing(consumer, offsets)
        fault.strike("after_commit")
        return done

    AIOKafkaConsumer.commit = commit


def _before(owner: type, name: str, act: Callable[[], None]) -> None:
    method = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        act()
        return method(*args, **kwargs)

    setattr(owner, name, wrapped)


def shift_clock(path: Path) -> None:
    """From now on `time.time` is off by what the file says."""
    real, off = time.time, [0.0]

    def follow() -> None:
        while True:
            text = path.read_text()
            off[0] = float(text or off[0])
            time.sleep(0.1)

    threading.Thread(target=follow, daemon=True).start()
    time.time = lambda: real() + off[0]
