"""The policy: every threshold, goal, window and rule as data, read from one TOML file and checked as a whole.

`load("")` gives the shipped defaults; the values of a file replace them key by key, lists as a whole, and targets are merged on top.
"""

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from streams.alert_rules import SHIPPED, AlertRule, read_rule
from streams.business_time import BusinessTime
from streams.calendars import ALWAYS, WEEKDAYS, Calendar, read_calendar, time_zone
from streams.dimensions import CHANNELS
from streams.kpi_names import UNIT_OF, misfit
from streams.policy_file import Where, read_toml
from streams.targets import BUILT_IN, Target, TargetRule, match_dimensions, merge, read_target

_CACHED_TARGETS = 100_000


class Window(msgspec.Struct, frozen=True):
    """A live window. `ms` is its length in milliseconds; None for `today` (since local midnight) and `week` (since `week_starts`)."""

    name: str
    ms: int | None


class Clock(msgspec.Struct, frozen=True):
    """Event times that are believed (ms): from `earliest_ms`, before `latest_ms`, at most `future_ms` after the record's timestamp."""

    earliest_ms: int
    latest_ms: int
    future_ms: int


class Policy(msgspec.Struct, frozen=True):
    """A checked policy; the keys are those of the file, the shipped values the defaults of `_Written`. Times are milliseconds.

    `digest` tells two policies of one `version` apart. `heartbeat_timeout_ms` is None for "none". `match_dimensions` are what targets
    depend on. `row_segmentations` are the segmentations to publish: the whole centre `()`, `segments`, and what the alert rules read.
    `agent_windows` say which of the windows rows of agents have: there are many agents, and little is to be said of one in five minutes.
    `notes` say, a line each, what the file asks for and this release does not do: for whoever checks or applies the policy.
    """

    version: str
    digest: str
    time_zone: str
    week_starts: str
    windows: tuple[Window, ...]
    agent_windows: tuple[bool, ...]
    segments: tuple[tuple[str, ...], ...]
    max_segments: int
    breaching_soon_ms: int
    recovered_within_ms: int
    after_hours: Literal["separate", "include"]
    auto_close: dict[str, int]
    retention_ms: int
    clock: Clock
    heartbeat_timeout_ms: int | None
    margin: float
    tick_ms: int
    metric_windows: tuple[str, ...]
    alerts: tuple[AlertRule, ...]
    goals: dict[str, float]
    calendars: dict[str, Calendar]
    targets: tuple[TargetRule, ...]
    match_dimensions: tuple[str, ...]
    row_segmentations: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    _cache: dict[tuple[str | None, ...], Target]
    _business: dict[str, BusinessTime]

    def target(self, values: tuple[str | None, ...]) -> Target:
        """The target of a contact whose values of `match_dimensions` these are. Remembered, so it may stand on the hot path."""
        found = self._cache.get(values)
        if found is None:
            found = merge(self.targets, dict(zip(self.match_dimensions, values, strict=True)))
            if len(self._cache) >= _CACHED_TARGETS:
                self._cache.clear()
            self._cache[values] = found
        return found

    def windows_of(self, dims: tuple[str, ...]) -> tuple[bool, ...]:
        """Which of the windows the live rows of a segmentation have."""
        return self.agent_windows if "agent" in dims else (True,) * len(self.windows)

    def after(self, calendar: str, start: int, amount: int) -> int | None:
        """The earliest instant (ms) at which so much time of a calendar has passed since `start`; None if that is never."""
        return start + amount if calendar == ALWAYS else self._business[calendar].after(start, amount)

    def elapsed(self, calendar: str, start: int, end: int) -> int:
        """How much time of a calendar (ms) lies within [start, end); 0 if that is empty."""
        return max(0, end - start) if calendar == ALWAYS else self._business[calendar].elapsed(start, end)

    def is_open(self, calendar: str, at: int) -> bool:
        """Whether a calendar is open at an instant (ms)."""
        return calendar == ALWAYS or self._business[calendar].is_open(at)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


class _Clock(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    earliest: Any = dt.date(1990, 1, 1)
    latest: Any = dt.date(2100, 1, 1)
    future: str = "5m"


class _Written(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    version: str = "default"
    time_zone: str = "Europe/Berlin"
    week_starts: str = "monday"
    windows: tuple[str, ...] = ("1m", "5m", "15m", "30m", "1h", "today", "week")
    segments: tuple[tuple[str, ...], ...] = (("channel",), ("queue",), ("team",), ("priority",), ("agent",), ("queue", "priority"))
    max_segments: int = 10_000
    breaching_soon: str = "10m"
    recovered_within: str = "1h"
    after_hours: str = "separate"
    auto_close: dict[str, Any] = {}
    retention: str = "35d"
    clock: dict[str, Any] = {}
    heartbeat_timeout: str = "2m"
    margin: float = 1.0
    tick: str = "500ms"
    metric_windows: list[str] | None = None
    alerts: list[Any] | None = None
    goals: dict[str, Any] = {}
    calendars: dict[str, Any] = {}
    targets: list[Any] = []
    versions: Any = None


_SHIPPED = _Written()
_LATER = ("recovered_within", "heartbeat_timeout", "margin")
"""Keys that are read and checked, but from which nothing is computed yet."""
_METRIC_WINDOWS = ("5m", "1h", "today")
_GOALS = {"csat": 0.80, "nps": 50.0, "first_contact_resolution": 0.70}
_HOUR_MS = 3_600_000
_TICK = (100, 60_000)
"""More often than this rows would overtake one another, more rarely they would not be live (ms)."""


def load(text: str, name: str = "policy") -> Policy:
    """The policy of a TOML text; `name` is the file's, for messages. Raises `PolicyError` naming file, key, fault and remedy."""
    raw = read_toml(text, name)
    top = Where(name)
    written = top.convert(raw, _Written)
    if written.versions is not None:
        top.key("versions").fail("policy versions come with a later release; remove [[versions]]")
    zone = time_zone(written.time_zone, top.key("time_zone"))
    windows = _windows(written.windows, top.key("windows"))
    names = [window.name for window in windows]
    segments = _segments(written.segments, top.key("segments"))
    goals = _GOALS | _goals(written.goals, top.key("goals"))
    alerts = _alerts(written.alerts, names, goals, top.key("alerts"))
    calendars = {key: read_calendar(key, value, zone, top.key("calendars").key(key)) for key, value in written.calendars.items()}
    targets = (*BUILT_IN, *(read_target(each, calendars, top.key("targets").item(at)) for at, each in enumerate(written.targets)))
    silence = written.heartbeat_timeout
    tick = top.key("tick").duration(written.tick)
    if not _TICK[0] <= tick <= _TICK[1]:
        why = "shorter than 100ms, too fast for rows to be made" if tick < _TICK[0] else "longer than 1m, too slow for live numbers"
        top.key("tick").fail(f'"{written.tick}" is {why}; write "100ms" to "1m", such as "500ms"')
    if not 0 <= written.margin <= 1:
        top.key("margin").fail(f"{written.margin:g} is no share; write a number from 0 to 1")
    if written.max_segments < 1:
        top.key("max_segments").fail(f"{written.max_segments} leaves no room for the whole centre; write 1 or more")
    return Policy(
        version=written.version,
        digest=blake2b(json.dumps(raw, sort_keys=True, default=str).encode(), digest_size=8).hexdigest(),
        time_zone=zone,
        week_starts=top.key("week_starts").one_of(written.week_starts, WEEKDAYS, "weekday"),
        windows=windows,
        agent_windows=_agent_windows(windows, alerts),
        segments=segments,
        max_segments=written.max_segments,
        breaching_soon_ms=top.key("breaching_soon").duration(written.breaching_soon),
        recovered_within_ms=top.key("recovered_within").duration(written.recovered_within),
        after_hours=top.key("after_hours").one_of(written.after_hours, ("separate", "include"), "way"),  # type: ignore[arg-type]
        auto_close=_auto_close(written.auto_close, top.key("auto_close")),
        retention_ms=top.key("retention").duration(written.retention),
        clock=_clock(written.clock, zone, top.key("clock")),
        heartbeat_timeout_ms=None if silence == "none" else top.key("heartbeat_timeout").duration(silence),
        margin=written.margin,
        tick_ms=tick,
        metric_windows=_metric_windows(written.metric_windows, names, top.key("metric_windows")),
        alerts=alerts,
        goals=goals,
        calendars=calendars,
        targets=targets,
        match_dimensions=match_dimensions(targets),
        row_segmentations=tuple(dict.fromkeys(((), *segments, *(rule.segmentation for rule in alerts)))),
        notes=_notes(written, top),
        _cache={},
        _business={name: BusinessTime(calendar) for name, calendar in calendars.items()},
    )


def _windows(texts: Iterable[str], where: Where) -> tuple[Window, ...]:
    out: list[Window] = []
    for at, text in enumerate(texts):
        ms = None if text in ("today", "week") else where.item(at).duration(text)
        if ms is not None and ms < 1000:
            where.item(at).fail(f'"{text}" is shorter than 1s, the finest grain that is kept; write "1s" or longer')
        if same := next((each.name for each in out if (each.ms == ms if ms else each.name == text)), None):
            where.item(at).fail(f'"{text}" is the same window as "{same}"; remove one')
        out.append(Window(text, ms))
    return tuple(out)


def _segments(lists: Iterable[Iterable[str]], where: Where) -> tuple[tuple[str, ...], ...]:
    out = [where.item(at).dimensions(names) for at, names in enumerate(lists)]
    return tuple(dict.fromkeys(names for names in out if names))


def _metric_windows(texts: list[str] | None, names: list[str], where: Where) -> tuple[str, ...]:
    if texts is None:
        return tuple(text for text in _METRIC_WINDOWS if text in names)
    return tuple(dict.fromkeys(where.item(at).one_of(text, names, "window") for at, text in enumerate(texts)))


def _auto_close(table: dict[str, Any], where: Where) -> dict[str, int]:
    closing = {where.one_of(channel, CHANNELS, "channel"): text for channel, text in where.each(table, str).items()}
    return {channel: where.key(channel).duration(text) for channel, text in closing.items() if text != "none"}


def _goals(table: dict[str, Any], where: Where) -> dict[str, float]:
    goals = where.each(table, float)
    for kpi, goal in goals.items():
        if kpi == "service_level":
            where.key(kpi).fail("the goal of service level belongs to its target; write it under [targets.service_level]")
        where.one_of(kpi, UNIT_OF, "KPI")
        if fault := misfit(kpi, goal):
            where.key(kpi).fail(fault)
    return goals


def _alerts(raw: list[Any] | None, windows: list[str], goals: Iterable[str], where: Where) -> tuple[AlertRule, ...]:
    if raw is None:
        return tuple(rule for rule in SHIPPED if rule.window in windows)
    rules = [read_rule(each, windows, list(goals), where.item(at)) for at, each in enumerate(raw)]
    for at, rule in enumerate(rules):
        if any(rule.name == before.name for before in rules[:at]):
            where.item(at).key("name").fail(f'two rules are called "{rule.name}"; rename one')
    return tuple(rules)


def _agent_windows(windows: Sequence[Window], alerts: Iterable[AlertRule]) -> tuple[bool, ...]:
    """From an hour up, those that alert rules by agent read, and all if there are no others."""
    read = {rule.window for rule in alerts if "agent" in rule.segmentation}
    found = tuple(window.ms is None or window.ms >= _HOUR_MS or window.name in read for window in windows)
    return found if any(found) else (True,) * len(windows)


def _clock(raw: dict[str, Any], zone: str, where: Where) -> Clock:
    written = where.convert(raw, _Clock)
    earliest, latest = _instant(written.earliest, zone, where.key("earliest")), _instant(written.latest, zone, where.key("latest"))
    if earliest >= latest:
        where.key("latest").fail("not after clock.earliest; no event would be accepted")
    return Clock(earliest, latest, where.key("future").duration(written.future, zero=True))


def _instant(date: object, zone: str, where: Where) -> int:
    """Milliseconds of a TOML date (local midnight) or date and time (local unless it has an offset)."""
    if not isinstance(date, dt.date):
        where.fail(f"{date!r} is no date; write one without quotes, such as 1990-01-01 or 1990-01-01T00:00:00Z")
    when = date if isinstance(date, dt.datetime) else dt.datetime(date.year, date.month, date.day)
    local = when if when.tzinfo else when.replace(tzinfo=ZoneInfo(zone))
    return (local - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)


def _notes(written: _Written, top: Where) -> tuple[str, ...]:
    changed = [key for key in _LATER if getattr(written, key) != getattr(_SHIPPED, key)]
    return tuple(top.key(key).told("is kept, but this release computes nothing from it") for key in changed)


DEFAULT = load("")
"""The shipped policy."""
