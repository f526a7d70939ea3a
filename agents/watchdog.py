"""Notices a worker that stands still although there is work: Faust's own detector only logs."""

from collections.abc import Hashable

from streams.errors import FirstlineError


class StuckError(FirstlineError):
    """Nothing has moved for too long; the process should end, so that it is started anew or another takes over."""


class Watchdog:
    """Told now and then how far the work is. All times are seconds of one monotonic clock."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._progress: Hashable = None
        self._since: float | None = None

    def look(self, now: float, progress: Hashable, *, busy: bool, what: str) -> None:
        """`progress` changes whenever something moves; `busy` says whether there is anything to do. Raises `StuckError`."""
        if not busy or progress != self._progress or self._since is None:
            self._progress, self._since = progress, now
        elif now - self._since >= self._limit:
            raise StuckError(f"{what} has not moved for {self._limit:.0f} s; is Kafka there, and are all its partitions online?")
