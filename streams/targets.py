"""Targets: how fast, by which formula and to which goal, for each kind of contact. Later entries win key by key."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from streams.calendars import ALWAYS
from streams.dimensions import canonical
from streams.policy_file import Where

Missed = Literal["included", "ignored", "positive", "handled_only"]


class Target(msgspec.Struct, frozen=True):
    """What holds for one kind of contact. Times in milliseconds; None is no target.

    `within_ms`, `goal`, `missed` and `short_missed_ms` belong to service level: a wait of exactly `within_ms` is within; who left in less
    than `short_missed_ms` is outside service level and abandon rate. With a `calendar` all of them are amounts of its open time.
    """

    first_response_ms: int | None = None
    resolution_ms: int | None = None
    calendar: str = ALWAYS
    within_ms: int = 20_000
    goal: float = 0.80
    missed: Missed = "included"
    short_missed_ms: int = 5_000


class TargetRule(msgspec.Struct, frozen=True):
    """One `[[targets]]` entry: the fields of `Target` that it sets, for the contacts whose attributes match all of `match`."""

    match: tuple[tuple[str, str], ...]
    sets: Mapping[str, Any]


BUILT_IN = (
    TargetRule((("channel", "call"),), {"first_response_ms": 20_000, "within_ms": 20_000}),
    TargetRule((("channel", "chat"),), {"first_response_ms": 60_000, "within_ms": 60_000}),
    TargetRule((("channel", "ticket"),), {"first_response_ms": 14_400_000, "within_ms": 14_400_000}),
)
"""20 s, 60 s and 4 h, with 80 % of contacts in that time: the usual goals of the trade. What a file gives is merged on top."""


class _ServiceLevel(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    within: str | UnsetType = UNSET
    goal: float | UnsetType = UNSET
    missed: str | UnsetType = UNSET
    short_missed: str | UnsetType = UNSET


class _Written(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    match: dict[str, Any] = {}
    first_response: str | UnsetType = UNSET
    resolution: str | UnsetType = UNSET
    calendar: str | UnsetType = UNSET
    service_level: dict[str, Any] = {}


def read_target(raw: object, calendars: Iterable[str], where: Where) -> TargetRule:
    """A `[[targets]]` entry. Raises `PolicyError`, also for a calendar that the file does not have."""
    written = where.convert(raw, _Written)
    at = where.key("service_level")
    level = at.convert(written.service_level, _ServiceLevel)
    sets: dict[str, Any] = {}
    for key, text in (("first_response", written.first_response), ("resolution", written.resolution)):
        if isinstance(text, str):
            sets[f"{key}_ms"] = None if text == "none" else where.key(key).duration(text)
    if isinstance(written.calendar, str):
        sets["calendar"] = where.key("calendar").one_of(written.calendar, [ALWAYS, *calendars], "calendar")
    if isinstance(level.within, str):
        sets["within_ms"] = at.key("within").duration(level.within)
    if isinstance(level.short_missed, str):
        sets["short_missed_ms"] = at.key("short_missed").duration(level.short_missed, zero=True)
    if isinstance(level.missed, str):
        sets["missed"] = at.key("missed").one_of(level.missed, Missed.__args__, "formula")  # type: ignore[attr-defined]
    if isinstance(level.goal, float):
        if not 0 < level.goal <= 1:
            at.key("goal").fail(f"{level.goal:g} is no share; write a number above 0 and up to 1, such as 0.80 for 80 %")
        sets["goal"] = level.goal
    return TargetRule(where.key("match").matching(written.match), sets)


def matches(match: tuple[tuple[str, str], ...], values: Mapping[str, str | None]) -> bool:
    """Whether all patterns match (`*` any text, `?` one character; case counts). A missing value matches no pattern, not even `*`."""
    return all((value := values.get(name)) is not None and _pattern(pattern).match(value) is not None for name, pattern in match)


_compiled: dict[str, re.Pattern[str]] = {}


def _pattern(pattern: str) -> re.Pattern[str]:
    found = _compiled.get(pattern)
    if found is None:
        found = _compiled[pattern] = re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".") + r"\Z", re.DOTALL)
    return found


def match_dimensions(rules: Iterable[TargetRule]) -> tuple[str, ...]:
    """The dimensions that decide which target holds, in canonical order."""
    return canonical(name for rule in rules for name, _ in rule.match)


def merge(rules: Iterable[TargetRule], values: Mapping[str, str | None]) -> Target:
    """The target of a contact with these attributes."""
    sets: dict[str, Any] = {}
    for rule in rules:
        if matches(rule.match, values):
            sets.update(rule.sets)
    return Target(**sets)
