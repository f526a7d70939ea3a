"""Health: is this process alive, is it ready, and if not, what is missing. Any part may report from any thread."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

_LOOK_S = 0.1

Probe = Callable[[], str | None]
"""Says what is wrong, or None while all is well."""


class Health:
    """Readiness of named parts and liveness of named tasks.

    Parts named at the start are not ready until they say so; a part never named is not waited for."""

    def __init__(self, *expected: str) -> None:
        self._lock = threading.Lock()
        self._not_ready = dict.fromkeys(expected, "not ready yet")
        self._tasks: dict[str, Probe] = {}
        self.policy_error: str | None = None
        """Why the policy file on disk is not in force; the last good one stays."""
        self.lag_events: int | None = None
        """Events that this process has still to read; None where it reads none."""

    def ready(self, part: str) -> None:
        with self._lock:
            self._not_ready.pop(part, None)

    def not_ready(self, part: str, reason: str) -> None:
        with self._lock:
            self._not_ready[part] = reason

    def watch(self, name: str, probe: Probe) -> None:
        """Judge the task `name` by its probe."""
        with self._lock:
            self._tasks[name] = probe

    def watch_task(self, name: str, task: asyncio.Task[Any]) -> None:
        """Judge by an asyncio task that is to run for ever."""
        self.watch(name, lambda: _ending(task))

    def reasons(self) -> list[str]:
        """What this process still waits for; empty when it is ready."""
        with self._lock:
            return [f"{part}: {reason}" for part, reason in self._not_ready.items()]

    def readiness(self) -> dict[str, Any]:
        """The answer of a worker's `/readyz`."""
        reasons = self.reasons()
        return {"status": "not ready" if reasons else "ready", "reasons": reasons, "lag_events": self.lag_events}

    async def until_ready(self) -> None:
        """Returns once this process waits for nothing any more."""
        while self.reasons():  # noqa: ASYNC110 - parts report from any thread
            await asyncio.sleep(_LOOK_S)

    def tasks(self) -> dict[str, str | None]:
        """Each watched task with what is wrong with it."""
        with self._lock:
            probes = dict(self._tasks)
        return {name: probe() for name, probe in probes.items()}

    def liveness(self) -> dict[str, Any]:
        """The answer of `/healthz`: every task runs. A broken policy file is named but kills nothing: the last good one is in force."""
        tasks = self.tasks()
        return {
            "status": "failed" if any(tasks.values()) else "ok",
            "tasks": {name: wrong or "alive" for name, wrong in tasks.items()},
            "policy_error": self.policy_error,
        }


def _ending(task: asyncio.Task[Any]) -> str | None:
    if not task.done():
        return None
    if task.cancelled():
        return "cancelled"
    error = task.exception()
    return f"failed: {type(error).__name__}: {error}" if error else "ended"
