"""Alert rules of a policy: which figure, of which segments, may not be above or below what, and for how long. `alerting` runs them."""

from collections.abc import Collection
from typing import Any, Literal

import msgspec

from streams import durations
from streams.dimensions import canonical
from streams.kpi_names import LATER, STATS, TARGET_OF, UNIT_OF, misfit
from streams.policy_file import Where

Severity = Literal["page", "ticket", "info"]
SEVERITIES = ("page", "ticket", "info")


class AlertRule(msgspec.Struct, frozen=True):
    """One `[[alerts]]` entry; `above` and `below` are strict, in the KPI's own unit (seconds, shares), and exactly one of them is set.

    There is one alert per rule and segment, and the segment names the dimensions of `by`: those written, and those that the match
    leaves open (a pattern with `*` or `?`; the channel, where target or goal depend on it). Its figures come from the rows of
    `segmentation`, which are `by` and what the match fixes: `match = {channel = "call"}, by = ["queue"]` needs rows by channel and queue.
    """

    name: str
    match: tuple[tuple[str, str], ...] = ()
    by: tuple[str, ...] = ("queue",)
    kpi: str = "first_response_time"
    stat: str = "mean"
    window: str = "5m"
    above: float | Literal["target"] | None = "target"
    below: float | Literal["goal"] | None = None
    minimum_n: int = 5
    for_ms: int = 30_000
    keep_firing_for_ms: int = 120_000
    severity: Severity = "page"
    runbook: str | None = None

    @property
    def segmentation(self) -> tuple[str, ...]:
        """The dimensions of the rows that this rule reads, in canonical order."""
        return canonical((*self.by, *(name for name, _ in self.match)))


SHIPPED = (
    AlertRule("first_response_time_breach", match=(("channel", "call"),), runbook="docs/runbooks/first_response_time_breach.md"),
    AlertRule(
        "service_level_below_goal",
        by=("channel", "queue"),
        kpi="service_level",
        window="15m",
        above=None,
        below="goal",
        minimum_n=20,
        for_ms=60_000,
        keep_firing_for_ms=300_000,
        severity="ticket",
        runbook="docs/runbooks/service_level_below_goal.md",
    ),
)
"""The set that ships: callers wait too long (page), a goal is missed (ticket). `[[alerts]]` replaces it, `alerts = []` is none.
Their runbooks are paths in Firstline's repository."""


class _Written(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    name: str
    match: dict[str, Any] = {}
    by: tuple[str, ...] = ("queue",)
    kpi: str = "first_response_time"
    stat: str = "mean"
    window: str = "5m"
    above: float | str | None = None
    below: float | str | None = None
    minimum_n: int = 5
    for_: str = msgspec.field(default="30s", name="for")
    keep_firing_for: str = "2m"
    severity: str = "page"
    runbook: str | None = None


def read_rule(raw: object, windows: Collection[str], goals: Collection[str], where: Where) -> AlertRule:
    """An `[[alerts]]` entry. Raises `PolicyError`."""
    written = where.convert(raw, _Written)
    if not written.name:
        where.key("name").fail('empty; write a short name such as "first_response_time_breach"')
    kpi = _computed(written.kpi, where.key("kpi"))
    if written.minimum_n < 0:
        where.key("minimum_n").fail(f"{written.minimum_n} is negative; write 0 or more")
    above, below = _bounds(written, goals, where)
    match = where.key("match").matching(written.match)
    by = where.key("by").dimensions(written.by)
    left_open = [name for name, pattern in match if "*" in pattern or "?" in pattern]
    per_channel = above == "target" or (below == "goal" and kpi == "service_level")
    if per_channel and "channel" not in dict(match):
        left_open.append("channel")
    return AlertRule(
        name=written.name,
        match=match,
        by=canonical((*by, *left_open)),
        kpi=kpi,
        stat=where.key("stat").one_of(written.stat, STATS, "statistic"),
        window=where.key("window").one_of(written.window, windows, "window"),
        above=above,
        below=below,
        minimum_n=written.minimum_n,
        for_ms=where.key("for").duration(written.for_, zero=True),
        keep_firing_for_ms=where.key("keep_firing_for").duration(written.keep_firing_for, zero=True),
        severity=where.key("severity").one_of(written.severity, SEVERITIES, "severity"),  # type: ignore[arg-type]
        runbook=written.runbook,
    )


def _computed(kpi: str, where: Where) -> str:
    computed = [name for name in UNIT_OF if name not in LATER]
    if kpi in LATER:
        where.fail(f"{kpi} is not computed by this release, so the alert could never fire; choose one of {', '.join(computed)}")
    return where.one_of(kpi, computed, "KPI")


def _bounds(written: _Written, goals: Collection[str], where: Where) -> tuple[Any, Any]:
    kpi, above, below = written.kpi, written.above, written.below
    for key, bound in (("above", above), ("below", below)):
        if isinstance(bound, float) and (fault := misfit(kpi, bound)):
            where.key(key).fail(fault)
    if above is not None and below is not None:
        where.fail("both above and below are given; keep one")
    has_goal = kpi == "service_level" or kpi in goals
    if above is None and below is None:
        if kpi in TARGET_OF:
            above = "target"
        elif has_goal:
            below = "goal"
        else:
            where.fail(f"{kpi} has neither target nor goal; write above or below with a number")
    if above == "target":
        if kpi not in TARGET_OF:
            where.key("above").fail(f"{kpi} has no target; write a number, or choose a KPI that has one: {', '.join(TARGET_OF)}")
    elif isinstance(above, str):
        above = _seconds(above, kpi, "target", where.key("above"))
    if below == "goal":
        if not has_goal:
            where.key("below").fail(f'{kpi} has no goal; write a number, or add "{kpi} = …" to [goals]')
    elif isinstance(below, str):
        below = _seconds(below, kpi, "goal", where.key("below"))
    return above, below


def _seconds(text: str, kpi: str, word: str, where: Where) -> float:
    if not text[:1].isdigit():
        where.fail(f'"{text}" is neither "{word}" nor a number nor a duration; write one of them')
    if UNIT_OF[kpi] != "s":
        where.fail(f'{kpi} is not measured in time; write a number instead of "{text}"')
    try:
        return durations.parse(text, zero=True) / 1000
    except durations.DurationError as exc:
        where.fail(str(exc))
