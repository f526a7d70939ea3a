"""Durations as people write them ("500ms", "20s", "1h30m", "2d", "1w") and as the code counts them: integer milliseconds."""

import re

from streams.errors import FirstlineError

UNITS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
"""Milliseconds a unit, largest first. A day is 24 hours; calendar days are the windows `today` and `day`."""
LONGEST = 36_525 * UNITS["d"]
"""A hundred years: beyond this it is a slip of the pen, and dates would overflow."""

_WHOLE = re.compile("".join(rf"(?:(\d+){unit}(?![a-z]))?" for unit in UNITS), re.ASCII)
_EXAMPLES = 'write a whole number and a unit (ms, s, m, h, d, w), largest unit first, such as "20s", "4h" or "1h30m"'


class DurationError(FirstlineError):
    """A text that is no duration, or one out of range; the message says what is expected."""


def parse(text: str, zero: bool = False) -> int:
    """Milliseconds of a duration; 0 is refused unless `zero`. Raises `DurationError`."""
    match = _WHOLE.fullmatch(text)
    if text.lstrip().startswith("-"):
        raise DurationError(f'"{text}" is negative; a duration is {"0s or longer" if zero else "longer than 0s"}')
    if not text or match is None:
        raise DurationError(f'"{text}" is no duration; {_EXAMPLES}')
    ms = sum(int(number) * size for number, size in zip(match.groups(), UNITS.values(), strict=True) if number)
    if ms == 0 and not zero:
        raise DurationError(f'"{text}" is zero; it must be longer than 0s')
    if ms > LONGEST:
        raise DurationError(f'"{text}" is longer than 100 years; {_EXAMPLES}')
    return ms


def format(ms: int) -> str:
    """The shortest text that `parse` reads back: 5400000 → "1h30m", 0 → "0s". Raises `ValueError` for a negative number."""
    if ms < 0:
        raise ValueError(f"negative duration: {ms} ms")
    parts = []
    for unit, size in UNITS.items():
        number, ms = divmod(ms, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"
