"""Lines of a recording that are no event: each is named, counted, kept if wanted, and stops nothing unless it is to."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from agents.recording_files import RecordingError, name_of
from streams.faults import EventFault

SHOWN = 20
"""So many bad lines are reported one by one, the rest as a sum: a recording of the wrong kind must not flood the terminal."""

REMEDY: Mapping[str, str] = MappingProxyType(
    {
        "malformed": "mend the line or remove it",
        "missing_field": "add the field",
        "wrong_kind": "give the value its right kind",
        "unknown_type": "mend the type or remove the line",
        "too_large": "make the event smaller or remove it",
        "time_out_of_range": "mend the source's clock, or widen clock.earliest and clock.latest of the policy",
    }
)


class BadLines:
    """Takes note of bad lines. `tell` gets each message; `keep` the lines as they were; `strict` raises `RecordingError` at the first."""

    def __init__(self, tell: Callable[[str], object], keep: BinaryIO | None = None, strict: bool = False) -> None:
        self._tell = tell
        self._keep = keep
        self._strict = strict
        self.reasons: Counter[str] = Counter()
        """How many there were, by reason (one of `streams.faults.REASONS`)."""

    @property
    def count(self) -> int:
        return self.reasons.total()

    def note(self, path: Path, line: int, fault: EventFault, remedy: str | None = None) -> None:
        """A bad line. `line` counts from 1; `remedy` is there for a fault that needs another than the usual one."""
        text = f"{name_of(path)}, line {line}, field {fault.path}: {fault.reason}: {fault.detail}; {remedy or REMEDY[fault.reason]}"
        if self._strict:
            raise RecordingError(text)
        self.reasons[fault.reason] += 1
        if self.count <= SHOWN:
            self._tell(text)

    def keep(self, raw: bytes, newline: bool = True) -> None:
        """Writes a bad line, or with `newline` false a part of one, where bad lines are kept."""
        if self._keep is not None:
            self._keep.write(raw + b"\n" if newline else raw)

    def summary(self) -> str | None:
        """One sentence on all of them, by reason; None if there were none."""
        if not self.reasons:
            return None
        by_reason = ", ".join(f"{count:,} {reason}" for reason, count in sorted(self.reasons.items()))
        more = f"; the first {SHOWN} are listed above" if self.count > SHOWN else ""
        where = "" if self._keep is not None else "; `firstline report --dead-letters FILE` keeps them"
        return f"{self.count:,} bad line{'' if self.count == 1 else 's'} left out: {by_reason}{more}{where}"
