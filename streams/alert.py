"""The alert object: what the `alerts` topic, the API and the pager carry, with its JSON and its summary for people."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal

import msgspec

from streams import durations
from streams.alert_rules import AlertRule, Severity
from streams.calendar_time import from_rfc3339, rfc3339
from streams.errors import FirstlineError
from streams.events import StoredVersionError
from streams.kpi_names import UNIT_OF

State = Literal["pending", "firing", "resolved"]


class StoredAlertError(FirstlineError):
    """A record of the `alerts` topic that is no alert."""


class Alert(msgspec.Struct, frozen=True):
    """One breach of one rule in one segment. Instants are milliseconds; `value` and `target` are in the KPI's unit (seconds, shares).

    `since` is when the condition became true, `until` when the alert was resolved. `value`, `target` and `n` are of the latest trusted row;
    `value` and `target` are None where there was none, and `n` is None for a plain count. `quiet_since` is when the condition of a firing
    alert became false: without it a restart would wait for `keep_firing_for` all over again.
    """

    id: str
    name: str
    severity: Severity
    state: State
    segment: dict[str, str | None]
    since: int
    until: int | None
    value: float | None
    target: float | None
    n: int | None
    summary: str
    acknowledged_by: str | None = None
    runbook: str | None = None
    quiet_since: int | None = None


FORMAT = "firstline.alert/1"


class _Stored(msgspec.Struct):
    id: str
    name: str
    severity: Severity
    state: State
    segment: dict[str, str | None]
    since: str
    until: str | None
    value: float | None
    target: float | None
    n: int | None
    summary: str
    acknowledged_by: str | None = None
    runbook: str | None = None
    quiet_since: str | None = None
    format: str = FORMAT


_TIMES = ("since", "until", "quiet_since")


def alert_id(rule: str, segment: Mapping[str, str | None], since: int) -> str:
    """16 hexadecimal digits that are the same for the same breach, wherever and whenever they are computed."""
    return sha256(msgspec.json.encode((rule, sorted(segment.items()), since))).hexdigest()[:16]


def as_json(alert: Alert, time_zone: str = "UTC") -> dict[str, Any]:
    """The alert as the API shows it: instants as RFC 3339 text."""
    out = msgspec.structs.asdict(alert)
    for key in _TIMES:
        if out[key] is not None:
            out[key] = rfc3339(out[key], time_zone)
    return out


def encode(alert: Alert, time_zone: str = "UTC") -> bytes:
    """The record of the `alerts` topic; its key is the alert's `id`."""
    return msgspec.json.encode({**as_json(alert, time_zone), "format": FORMAT})


def decode(record: bytes) -> Alert:
    """The alert of a record that `encode` wrote, in any time zone. Raises `StoredAlertError`, or `StoredVersionError` if it is newer."""
    try:
        fields = msgspec.structs.asdict(msgspec.json.decode(record, type=_Stored))
        if (form := fields.pop("format")) != FORMAT:
            raise StoredVersionError(
                f"record of the alerts topic of format {form!r}, but this release reads {FORMAT!r}: a newer worker wrote it. "
                "Run that release; or, to go back, stop the workers and delete the topic alerts, and what fires is told of anew."
            )
        for key in _TIMES:
            if fields[key] is not None:
                fields[key] = from_rfc3339(fields[key])
        return Alert(**fields)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as exc:
        raise StoredAlertError(f"record of the alerts topic: {exc}; only Firstline may write there, delete the record") from None


def summarize(alert: Alert, rule: AlertRule, values: Mapping[str, str | None], time_zone: str) -> str:
    """Two short lines: what is wrong where; how bad it is, against what, over which window and since when (local time)."""
    side, bound = ("above", rule.above) if rule.above is not None else ("below", rule.below)
    word = bound if isinstance(bound, str) else "limit"
    what = f"{rule.kpi.replace('_', ' ').capitalize()} {side} {word}"
    where = ", ".join(f"{name} {'(none)' if value is None else value}" for name, value in values.items()) or "whole centre"
    parts = [
        f"{rule.stat + ' ' if UNIT_OF[rule.kpi] == 's' and alert.value is not None else ''}{_shown(alert.value, rule.kpi)}",
        f"{word} {_shown(alert.target, rule.kpi)}",
        f"over {rule.window}",
        *([f"n {alert.n:,}"] if alert.n is not None else []),
        f"since {_clock(alert.since, time_zone)}",
        *([f"until {_clock(alert.until, time_zone)}"] if alert.until is not None else []),
    ]
    return f"{'Resolved: ' if alert.state == 'resolved' else ''}{what}: {where}\n{', '.join(parts)}"


def _shown(value: float | None, kpi: str) -> str:
    if value is None:
        return "no value"
    unit = UNIT_OF[kpi]
    if unit == "ratio":
        return f"{value:.1%}".replace("%", " %")
    if unit == "s":
        return f"{value:.1f} s".replace(".0 s", " s") if value < 120 else durations.format(round(value) * 1000)
    return f"{value:,.2f}".rstrip("0").rstrip(".") + (" per hour" if unit == "1/h" else "")


def _clock(ms: int, time_zone: str) -> str:
    return rfc3339(ms // 1000 * 1000, time_zone)[:19].replace("T", " ")
