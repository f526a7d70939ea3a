"""What can be wrong with an event, as a bounded set of reasons and the JSON path of the fault."""

import re
from collections.abc import Container

import msgspec

from streams.errors import FirstlineError

REASONS = ("malformed", "missing_field", "wrong_kind", "unknown_type", "too_large", "time_out_of_range", "too_many_events", "retired")
"""Every reason a record can be dead-lettered for: the label values of `firstline_dead_letters_total`."""

_AT = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]+)`")
_KEY = re.compile(r"\[\.\.\.\]")


class EventFault(FirstlineError):
    """A record that is no good event. `reason` is one of `REASONS`, `path` the JSON path of the fault; nothing of the event's content."""

    def __init__(self, reason: str, path: str, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.reason = reason
        self.path = path
        self.detail = detail


class _Header(msgspec.Struct):
    type: str


_header = msgspec.json.Decoder(_Header)


def fault_of(exc: Exception, raw: bytes, known: Container[str], prefix: str = "$") -> EventFault:
    """The fault behind a decode error of msgspec: reason, path and a message without the event's content."""
    if not isinstance(exc, msgspec.ValidationError):
        return EventFault("malformed", prefix, f"not valid JSON: {_short(str(exc))}")
    match = _AT.match(str(exc))
    what, path = (match["what"], match["path"]) if match else (str(exc), None)
    path = prefix + (path or "$")[1:]
    if path == "$.type":
        try:
            name = _header.decode(raw).type
        except (msgspec.DecodeError, RecursionError):
            return EventFault("wrong_kind", path, what)
        if name not in known:
            return EventFault("unknown_type", path, f"unknown event type {name[:80]!r}; see the event contract for the list")
    missing = _MISSING.match(what)
    if missing:
        return EventFault("missing_field", f"{path}.{missing['field']}", "required field is missing")
    if what.startswith("Invalid enum value"):  # msgspec quotes it
        what = "not one of the values of the event contract"
    elif what.startswith("Invalid RFC3339"):
        what = "not an instant with offset, such as 2026-11-03T09:40:00Z"
    elif path == "$.data_base64":
        what = "data in base64 are not read; send them as JSON in `data`"
    return EventFault("wrong_kind", _KEY.sub("[*]", path), what)


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:200] + "…"
