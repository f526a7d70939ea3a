"""The oracle's front: the rows of `firstline report --format json` for recordings under a policy."""

from collections.abc import Sequence
from pathlib import Path

from . import policy, report, source, windows
from .report import Row
from .store import Store


class Oracle:
    """Recordings under one policy; what was derived for an instant serves every window and segmentation at it.

    `gauges_know_retractions`: the gauges at the end of a past row leave out what was taken back only later. The literal reading of
    rule 15 ("before it the event still counts") is the default.
    """

    def __init__(self, paths: Sequence[Path], policy_toml: str, *, gauges_know_retractions: bool = False) -> None:
        self.policy = policy.read(policy_toml)
        self.known = gauges_know_retractions
        self._con = source.load(paths)
        self._store: Store | None = None

    def figures(
        self,
        *,
        window: str = "all",
        by: Sequence[Sequence[str]] = (),
        start: str | None = None,
        at: str | None = None,
    ) -> list[Row]:
        span = source.span(self._con)
        if span is None:
            return []
        instant = windows.parse(at) if at else span[1] + 1
        first = source.first_event(self._con, instant)
        if first is None:
            first = instant - 1
        spans = windows.rows(window, self.policy, first, instant, windows.parse(start) if start else None, live=at is not None)
        if self._store is None or self._store.at != instant:
            self._store = Store(self._con, self.policy, instant, self.known)
        return report.rows(self._store, spans, by)


def figures(
    paths: Sequence[Path],
    policy_toml: str,
    *,
    window: str = "all",
    by: Sequence[Sequence[str]] = (),
    start: str | None = None,
    at: str | None = None,
) -> list[Row]:
    return Oracle(paths, policy_toml).figures(window=window, by=by, start=start, at=at)
