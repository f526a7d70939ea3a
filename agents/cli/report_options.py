"""Options of `report` as people write them, checked: dimensions, KPIs, instants."""

import datetime as dt
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from agents.cli.common import OptionError
from streams.aggregator import TIME_DIMENSIONS
from streams.dimensions import DIMENSIONS
from streams.events import to_ms
from streams.kpi_names import UNIT_OF
from streams.kpis import REGISTRY
from streams.policy_file import suggestion

_FIRST_YEAR, _LAST_YEAR = 1000, 9000
"""Far enough from the ends of the calendar for every window around the instant."""


def segmentations(by: Iterable[str]) -> list[tuple[str, ...]]:
    """The dimensions of every `--by`, in the order given, each once; the whole centre `()` without any. Raises `OptionError`."""
    out = [_dimensions(text) for text in by]
    return list(dict.fromkeys(out)) or [()]


def _dimensions(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    known = (*DIMENSIONS, *TIME_DIMENSIONS)
    for index, name in enumerate(names):
        if name not in known:
            raise OptionError(f'--by: unknown dimension "{name}"; {suggestion(name, known)}')
        if name in names[:index]:
            raise OptionError(f'--by: "{name}" is given twice in "{text}"; remove one')
    return names


def kpi_names(kpis: Iterable[str]) -> list[str]:
    """The KPIs asked for, in the order given, each once; none if all are meant. Raises `OptionError`."""
    names = [name.strip() for text in kpis for name in text.split(",")]
    for name in names:
        if name not in REGISTRY:
            later = name in UNIT_OF
            raise OptionError(
                f'--kpi: "{name}" is not computed by this release; known: {", ".join(REGISTRY)}'
                if later
                else f'--kpi: unknown KPI "{name}"; {suggestion(name, REGISTRY)}'
            )
    return list(dict.fromkeys(names))


def instant(text: str | None, option: str, zone: str) -> int | None:
    """Milliseconds of an RFC 3339 time, or of a local date or time in `zone`, truncated. Raises `OptionError`."""
    if text is None:
        return None
    try:
        when = dt.datetime.fromisoformat(text)
        if not _FIRST_YEAR <= when.year <= _LAST_YEAR:
            raise OptionError(f'{option}: "{text}" lies outside of the years {_FIRST_YEAR} to {_LAST_YEAR}; give an instant within')
        return to_ms(when if when.tzinfo else when.replace(tzinfo=ZoneInfo(zone)))
    except (ValueError, OverflowError):
        raise OptionError(
            f'{option}: "{text}" is no instant; write 2026-03-02T09:00:00+01:00, or in the time zone {zone} 2026-03-02 or 2026-03-02T09:00'
        ) from None
