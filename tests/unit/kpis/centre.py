"""A centre of a few hand-made interactions, told in seconds after Monday, 2 March 2026, 08:00 in Berlin."""

from collections.abc import Sequence
from typing import Any

from streams import policy as policies
from streams.aggregator import Aggregator
from streams.events import make
from streams.recording import Input, Recording
from streams.report import report

START = 1_772_434_800_000
HOUR = 3_600
Step = tuple[float, str, dict[str, Any]]
Steps = Sequence[Step]
Kpis = dict[str, Any]


def at(second: float, kind: str, /, **data: Any) -> Step:
    """Something that happened so many seconds after the beginning."""
    return second, kind, data


def call(queued: float, answered: float | None = None, *, missed: float | None = None, ended: float | None = None, **data: Any) -> Steps:
    """A call of one visit."""
    outcome = {"outcome": data.pop("outcome")} if "outcome" in data else {}
    steps = [at(queued, "call.queued", **data)]
    if answered is not None:
        steps.append(at(answered, "call.answered", **data))
    if missed is not None:
        steps.append(at(missed, "call.missed", **outcome, **data))
    if ended is not None:
        steps.append(at(ended, "call.ended"))
    return steps


def said(second: float, channel: str, author: str, **data: Any) -> Step:
    """A message of a chat or ticket."""
    return at(second, f"{channel}.message", author=author, **data)


def ms(second: float) -> int:
    return START + round(second * 1000)


def recording_of(interactions: Sequence[Steps]) -> Recording:
    recording = Recording()
    for subject, steps in enumerate(interactions):
        for number, (second, kind, data) in enumerate(steps):
            recording.add(f"s{subject}", make(kind, ms(second), f"{number:02}", "test", **data))
    return recording


def rows(
    *interactions: Steps,
    windows: Sequence[tuple[float, float]],
    until: float | None = None,
    by: Sequence[str] = (),
    policy: str = "",
) -> list[dict[str, Any]]:
    """The rows of some windows as known at the instant `until`, else at the end of the last window."""
    instant = ms(windows[-1][1] if until is None else until)
    aggregator = Aggregator(policies.load(policy), instant, [(ms(start), ms(end)) for start, end in windows], [by])
    report(recording_of(interactions), aggregator, Input())
    return aggregator.rows()


def kpis(*interactions: Steps, end: float, start: float = 0, until: float | None = None, policy: str = "") -> Kpis:
    """The figures of the whole centre in [start, end), as known at `until`, else at `end`."""
    found: Kpis = rows(*interactions, windows=[(start, end)], until=until, policy=policy)[0]["kpis"]
    return found


def by_segment(*interactions: Steps, end: float, by: str, policy: str = "") -> dict[str | None, Kpis]:
    """The figures by the value of one dimension."""
    return {row["segment"][by]: row["kpis"] for row in rows(*interactions, windows=[(0, end)], by=[by], policy=policy)}


def values(figures: Kpis, *names: str) -> list[Any]:
    return [figures[name]["value"] for name in names]
