"""Named background tasks: one that ends, for whatever reason, ends the process."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

_log = structlog.get_logger(__name__)


class Supervisor:
    """Runs tasks until `stop` is set or one of them ends by itself."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._tasks: list[asyncio.Task[Any]] = []
        self.failed = False

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Starts a task that is to run for ever."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        if task.cancelled() or (self._stop.is_set() and task.exception() is None):
            return
        error = task.exception()
        self.failed = True
        if error is not None:
            _log.error("background task failed", task=task.get_name(), error=repr(error), exc_info=error)
        else:
            _log.error("background task ended", task=task.get_name())
        self._stop.set()

    async def close(self) -> None:
        """Cancels what still runs and waits for it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
