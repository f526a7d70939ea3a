"""Alerts as a pure state machine: rows and a policy in, changes of state out; no clock, no I/O.

    nothing → pending    the condition is true
    pending → firing     it has been true for `for`
    pending → nothing    it became false before that; nobody was told, nobody is
    firing → resolved    it has been false for `keep_firing_for`

The condition is false where there is no value or fewer than `minimum_n` in it: nobody waits too long in an empty queue. Rows that are
incomplete or being rebuilt change nothing at all. There is one active alert per rule and segment, and its id names the breach (rule,
segment, since), so whoever goes on from the same records neither repeats an alert nor forgets one.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from streams.alert import Alert, alert_id, decode, encode, summarize
from streams.alert_rules import AlertRule
from streams.kpi_names import TARGET_OF
from streams.policy import Policy
from streams.targets import matches

__all__ = ["Alert", "Alerts", "bound_of", "decode", "encode", "evaluate", "reading"]

Kpis = Mapping[str, Mapping[str, Any]]
Rows = Mapping[tuple[str, tuple[str, ...], tuple[str | None, ...]], Kpis]
"""(window, dimensions, values) → the `kpis` of the report row: all rows of the tick, not only those that changed."""

KEEP_RESOLVED_MS = 86_400_000
"""How long a resolved alert stays to be seen, by the API and by a pager that was away, before its record is deleted."""


def reading(rule: AlertRule, kpis: Kpis) -> tuple[float | None, int | None]:
    """The value that a rule looks at, and the n it rests on (None for plain counts and gauges, to which `minimum_n` does not apply)."""
    figure = kpis.get(rule.kpi)
    if figure is None:
        return None, 0
    return figure.get(rule.stat if "mean" in figure else "value"), figure.get("n")


def bound_of(rule: AlertRule, values: Mapping[str, str | None], policy: Policy) -> float | None:
    """What the value may not be above or below, in the KPI's unit; None where the policy sets no such target, so nothing can breach it."""
    if rule.above == "target" or (rule.below == "goal" and rule.kpi == "service_level"):
        target = policy.target(tuple([values.get(name) for name in policy.match_dimensions]))
        if rule.below == "goal":
            return target.goal
        ms: int | None = getattr(target, TARGET_OF[rule.kpi])
        return None if ms is None else ms / 1000
    if rule.below == "goal":
        return policy.goals.get(rule.kpi)
    return rule.above if isinstance(rule.above, (int, float)) else rule.below


def evaluate(
    before: Alert | None,
    rule: AlertRule,
    values: Mapping[str, str | None],
    kpis: Kpis,
    *,
    policy: Policy,
    now_ms: int,
    trusted: bool = True,
) -> Alert | None:
    """The alert of one rule and one segment after a look at the segment's row at `now_ms`; None is no alert.

    `before` is the active alert, `values` are those of the rule's `segmentation`, `kpis` is empty where there is no row. An untrusted row
    leaves everything as it was.
    """
    if not trusted:
        return before
    value, n = reading(rule, kpis)
    bound = bound_of(rule, values, policy)
    breached = value is not None and bound is not None and (n is None or n >= rule.minimum_n)
    if breached:
        breached = value > bound if rule.above is not None else value < bound  # type: ignore[operator]
    if before is None and not breached:
        return None
    if before is None:
        segment = {name: values[name] for name in rule.by}
        since = now_ms
        before = Alert(alert_id(rule.name, segment, since), rule.name, rule.severity, "pending", segment, since, None, None, None, None, "")
    state, quiet_since, until = before.state, None, None
    if breached and now_ms - before.since >= rule.for_ms:
        state = "firing"
    elif not breached:
        if state == "pending":
            return None
        quiet_since = now_ms if before.quiet_since is None else before.quiet_since
        if now_ms - quiet_since >= rule.keep_firing_for_ms:
            state, until = "resolved", now_ms
    after = replace(before, severity=rule.severity, runbook=rule.runbook, state=state, until=until, quiet_since=quiet_since)
    after = replace(after, value=value, target=bound, n=n)
    return replace(after, summary=summarize(after, rule, values, policy.time_zone))


class Alerts:
    """All alerts of a centre. The owner calls `step` at each tick, writes what `drain` gives to the topic, and begins with `restore`."""

    def __init__(self) -> None:
        self._active: dict[tuple[str, tuple[tuple[str, str | None], ...]], Alert] = {}
        self._resolved: dict[str, Alert] = {}
        self._unwritten: dict[str, Alert | None] = {}

    @classmethod
    def restore(cls, alerts: Iterable[Alert]) -> "Alerts":
        """Go on from the latest alert of every key of the topic.

        Should two be active for one rule and segment, as two owners may have left behind, the firing and then the older one stays.
        """
        self = cls()
        for alert in sorted(alerts, key=lambda each: (each.state != "firing", each.since, each.id)):
            if alert.state == "resolved":
                self._resolved[alert.id] = alert
            elif self._active.setdefault(_key(alert), alert) is not alert:
                self._unwritten[alert.id] = None
        return self

    def step(self, rows: Rows, policy: Policy, now_ms: int, trusted: bool = True) -> list[Alert]:
        """Look at all rows of the tick `now_ms`. Returns the alerts whose state changed: now pending, firing or resolved.

        An active alert whose row is gone counts as not breached; one whose rule is gone is resolved at once.
        """
        if not trusted:
            return []
        changed: list[Alert] = []
        seen = set()
        for rule, values, kpis in _chosen(rows, policy.alerts):
            key = (rule.name, tuple([(name, values[name]) for name in rule.by]))
            seen.add(key)
            before = self._active.get(key)
            self._put(key, before, evaluate(before, rule, values, kpis, policy=policy, now_ms=now_ms), changed)
        rules = {rule.name: rule for rule in policy.alerts}
        for key in [key for key in self._active if key not in seen]:
            before = self._active[key]
            found = rules.get(before.name)
            if found is None:
                gone = "Resolved: the policy no longer has this rule"
                after = replace(before, state="resolved", until=now_ms, summary=gone) if before.state == "firing" else None
            else:
                known: dict[str, str | None] = {**dict(found.match), **before.segment}
                values = {name: known[name] for name in found.segmentation if name in known}
                after = evaluate(before, found, values, {}, policy=policy, now_ms=now_ms)
            self._put(key, before, after, changed)
        for old in [each.id for each in self._resolved.values() if each.until is not None and now_ms - each.until >= KEEP_RESOLVED_MS]:
            del self._resolved[old]
            self._unwritten[old] = None
        return sorted(changed, key=_order)

    def _put(self, key: Any, before: Alert | None, after: Alert | None, changed: list[Alert]) -> None:
        if after is None:
            if before is not None:
                del self._active[key]
                self._unwritten[before.id] = None
            return
        if before is None or before.state != after.state:
            changed.append(after)
            self._unwritten[after.id] = after
        elif before.quiet_since != after.quiet_since:
            self._unwritten[after.id] = after
        if after.state == "resolved":
            del self._active[key]
            self._resolved[after.id] = after
        else:
            self._active[key] = after

    def acknowledge(self, id: str, by: str) -> Alert | None:
        """Note who takes care of an active alert; None if there is none of that id."""
        for key, alert in self._active.items():
            if alert.id == id:
                self._active[key] = self._unwritten[id] = replace(alert, acknowledged_by=by)
                return self._active[key]
        return None

    def drain(self) -> list[tuple[str, Alert | None]]:
        """What the topic has to be told since the last call, by id: the latest alert, or None to delete the record.

        Besides each change of state: when a firing alert becomes quiet or noisy again, and pending ones that came to nothing.
        """
        out = list(self._unwritten.items())
        self._unwritten = {}
        return out

    def all(self) -> list[Alert]:
        """Firing, pending, then those resolved in the last day; the oldest first."""
        order = ("firing", "pending", "resolved")
        return sorted([*self._active.values(), *self._resolved.values()], key=lambda each: (order.index(each.state), _order(each)))


def _order(alert: Alert) -> tuple[Any, ...]:
    return alert.since, alert.name, [value or "" for value in alert.segment.values()], alert.id


def _key(alert: Alert) -> tuple[str, tuple[tuple[str, str | None], ...]]:
    return alert.name, tuple(alert.segment.items())


def _chosen(rows: Rows, rules: Iterable[AlertRule]) -> Iterable[tuple[AlertRule, dict[str, str | None], Kpis]]:
    """Each rule with each row that it looks at."""
    readers: dict[tuple[str, tuple[str, ...]], list[AlertRule]] = {}
    for rule in rules:
        readers.setdefault((rule.window, rule.segmentation), []).append(rule)
    for (window, dimensions, values), kpis in rows.items():
        for rule in readers.get((window, dimensions), ()):
            named = dict(zip(dimensions, values, strict=True))
            if matches(rule.match, named):
                yield rule, named, kpis
