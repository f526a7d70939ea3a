"""Policy files as the oracle needs them: targets, time zone, week, horizon."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from .hours import Hours

UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MODES = ("included", "ignored", "positive", "handled_only")

DEFAULT_TARGETS: list[dict[str, Any]] = [
    {"service_level": {"goal": 0.8, "missed": "included", "short_missed": "5s"}, "resolution": "none"},
    {"match": {"channel": "call"}, "first_response": "20s", "service_level": {"within": "20s"}},
    {"match": {"channel": "chat"}, "first_response": "60s", "service_level": {"within": "60s"}},
    {"match": {"channel": "ticket"}, "first_response": "4h", "service_level": {"within": "4h"}},
]


def duration(text: str) -> int:
    """'1h30m' or '20s' in milliseconds."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text.replace(" ", ""):
        raise ValueError(f"not a duration: {text!r}")
    return round(sum(float(number) * UNITS[unit] for number, unit in parts))


def optional_duration(text: str) -> int | None:
    return None if text == "none" else duration(text)


@dataclass(frozen=True)
class Target:
    first_response: int | None
    resolution: int | None
    within: int
    missed: str
    short_missed: int
    hours: Hours | None = None

    def after(self, start: int, amount: int | None) -> int | None:
        """When so much has passed; None: no such target, or never."""
        if amount is None:
            return None
        return start + amount if self.hours is None else self.hours.after(start, amount)

    def elapsed(self, start: int, end: int) -> int:
        return max(0, end - start) if self.hours is None else self.hours.elapsed(start, end)

    def closed(self, at: int) -> bool:
        return self.hours is not None and self.hours.elapsed(at, at + 1) == 0


@dataclass(frozen=True)
class Policy:
    version: str
    time_zone: str
    week_starts: int  # 0 = Monday
    breaching_soon: int
    entries: tuple[Mapping[str, Any], ...]
    include_after_hours: bool
    calendars: Mapping[str, Hours]

    def target(self, attributes: Mapping[str, str | None]) -> Target:
        """The entries that match, laid over each other key by key, the later over the earlier."""
        merged: dict[str, Any] = {}
        level: dict[str, Any] = {}
        for entry in self.entries:
            if all(_matches(pattern, attributes.get(name)) for name, pattern in entry.get("match", {}).items()):
                merged.update({key: value for key, value in entry.items() if key not in {"match", "service_level"}})
                level.update(entry.get("service_level", {}))
        return Target(
            first_response=optional_duration(merged["first_response"]),
            resolution=optional_duration(merged["resolution"]),
            within=duration(level["within"]),
            missed=level["missed"],
            short_missed=duration(level["short_missed"]),
            hours=self.calendars.get(merged.get("calendar", "always")),
        )


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern), re.DOTALL)


def _matches(pattern: str, value: str | None) -> bool:
    return value is not None and _pattern(pattern).fullmatch(value) is not None


def read(text: str) -> Policy:
    raw = tomllib.loads(text)
    for key in ("auto_close", "versions"):
        if raw.get(key):
            raise NotImplementedError(f"{key} is outside the oracle")
    return Policy(
        version=raw.get("version", ""),
        time_zone=raw.get("time_zone", "Europe/Berlin"),
        week_starts=WEEKDAYS.index(raw.get("week_starts", "monday")),
        breaching_soon=duration(raw.get("breaching_soon", "10m")),
        entries=(*DEFAULT_TARGETS, *raw.get("targets", [])),
        include_after_hours=raw.get("after_hours") == "include",
        calendars={name: Hours(each, raw.get("time_zone", "Europe/Berlin")) for name, each in raw.get("calendars", {}).items()},
    )
