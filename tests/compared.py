"""The product's report and the oracle's figures of the same recording, side by side."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from streams import policy as policies
from streams.aggregator import Aggregator
from streams.events import decode, from_ms
from streams.policy import Policy
from streams.recording import Input, Recording
from streams.report import report
from streams.report_windows import plan
from tests.oracle import Oracle, differences

By = Sequence[Sequence[str]]


def recording_of(lines: Iterable[bytes]) -> Recording:
    recording = Recording()
    for line in lines:
        recording.add(*decode(line))
    return recording


def product_rows(
    recording: Recording, policy: Policy, window: str, by: By = (), *, start: int | None = None, at: int | None = None
) -> list[dict[str, Any]]:
    """The rows of `firstline report`; start and end in ms."""
    instant, windows = plan(recording.span(), window, start, at, tz=policy.time_zone, week_starts=policy.week_starts)
    assert instant is not None
    aggregator = Aggregator(policy, instant, windows, by or [()])
    report(recording, aggregator, Input())
    return aggregator.rows()


class Compared:
    """One recording under one policy. Ask for one `at` after the other: the oracle keeps what it derived for the last one."""

    def __init__(self, paths: Sequence[Path], policy: str) -> None:
        self.recording = recording_of(line for path in paths for line in path.read_bytes().splitlines())
        self.policy = policies.load(policy)
        self.oracle = Oracle(paths, policy)
        span = self.recording.span()
        assert span is not None
        self.first, self.last = span

    def differences(self, window: str, by: By = (), start: int | None = None, at: int | None = None) -> list[str]:
        mine = product_rows(self.recording, self.policy, window, by, start=start, at=at)
        theirs = self.oracle.figures(window=window, by=by, start=_iso(start), at=_iso(at))
        return [f"--window {window} --by {by} --from {_iso(start)} --at {_iso(at)}: {text}" for text in differences(mine, theirs)]


def _iso(ms: int | None) -> str | None:
    return None if ms is None else from_ms(ms).isoformat()


__all__ = ["By", "Compared", "product_rows", "recording_of"]
