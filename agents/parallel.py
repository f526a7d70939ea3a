"""Several worker processes under one parent, which does no work itself: it starts them, replaces one that has ended, and ends with them.

Each process is a worker like any other, with its own metrics port; Kafka shares the partitions out between them.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

import structlog

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""Before a process is started again; doubled with each start that came to nothing."""
WRONG_USE = 2
"""The exit code of a process that has been started in a way that never works."""
MOST_FAILED_STARTS = 5
"""So many in a row, and something is wrong that starting again does not mend."""
STOP_S = 75.0
"""A process that was told to stop has so long; a worker gives up by itself sooner."""
ORPHAN_S = 10.0
"""A process whose parent was killed has so long to end in good order."""
_LOOK_S = 0.2

_log = structlog.get_logger(__name__)


@dataclass
class _Slot:
    number: int
    process: SpawnProcess | None = None
    ready: Connection | None = None
    was_ready: bool = False
    failed_starts: int = 0
    due: float = 0.0
    """When to start it, by the monotonic clock."""


class Parent:
    """Runs `count` processes, each as `work(number, ready, *args)`, until SIGTERM or SIGINT.

    `work` is a function of a module; it gets its number from 1, sends anything to `ready` once it is, and ends its process itself.
    """

    def __init__(self, count: int, work: Callable[..., None], args: tuple[Any, ...]) -> None:
        self._work, self._args = work, args
        self._slots = [_Slot(number) for number in range(1, count + 1)]
        self._context = multiprocessing.get_context("spawn")
        self._stopping = False
        self._code = 0

    def run(self) -> int:
        """The exit code: 0 after a signal; that of the process if one fails before any was ready, or again and again."""

        def stop(*_: object) -> None:
            self._stopping = True

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        while not self._stopping:
            for slot in self._slots:
                if slot.process is None and time.monotonic() >= slot.due:
                    self._start(slot)
            wait([slot.process.sentinel for slot in self._slots if slot.process], _LOOK_S)
            for slot in self._slots:
                self._look(slot)
        self._stop()
        return self._code

    def _start(self, slot: _Slot) -> None:
        slot.ready, theirs = self._context.Pipe(duplex=False)
        slot.process = self._context.Process(target=self._work, args=(slot.number, theirs, *self._args), name=f"worker {slot.number}")
        # Ctrl-C comes to all of them. A process that is still loading must not answer it with a stack trace: the parent passes it on.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            slot.process.start()
        finally:
            signal.signal(signal.SIGINT, before)
            theirs.close()

    def _look(self, slot: _Slot) -> None:
        process = slot.process
        if process is None:
            return
        if slot.ready is not None and slot.ready.poll():
            with suppress(EOFError):  # it has ended without a word
                slot.ready.recv()
                slot.ready, slot.was_ready, slot.failed_starts = None, True, 0
        if process.is_alive():
            return
        code, seconds = process.exitcode, FIRST_PAUSE_S
        slot.process = None
        if slot.ready is not None:
            slot.failed_starts += 1
            if code == WRONG_USE or slot.failed_starts >= MOST_FAILED_STARTS or not any(each.was_ready for each in self._slots):
                _log.error("a process cannot be started, so all end", process=slot.number, exit=code)
                self._code = code if code and code > 0 else 1
                self._stopping = True
                return
            seconds = min(FIRST_PAUSE_S * 2**slot.failed_starts, LONGEST_PAUSE_S)
        slot.due = time.monotonic() + seconds
        _log.warning("a process has ended and is started again", process=slot.number, exit=code, seconds=seconds)

    def _stop(self) -> None:
        """Tells all to stop and waits for them; who does not end is killed, which loses nothing."""
        running = [slot.process for slot in self._slots if slot.process is not None]
        for process in running:
            process.terminate()
        until = time.monotonic() + STOP_S
        for process in running:
            process.join(max(0.0, until - time.monotonic()))
            if process.exitcode not in (0, -signal.SIGTERM):  # the latter: it was still loading
                _log.error("a process has not ended in good order", process=process.name, exit=process.exitcode)
                self._code = self._code or 1
                process.kill()


def end_with_parent() -> None:
    """Called in a process: when its parent is gone, however, it stops in good order, and at last in any."""

    def watch() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None, "only a process of `Parent` has one to watch"
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(ORPHAN_S)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
