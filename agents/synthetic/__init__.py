"""A synthetic contact centre: believable calls, chats and tickets for demos, tests and benchmarks, the same for the same seed.

A real queueing simulation (customers with patience, agents with shifts and skills), so that its numbers hang together as those of a real
centre do. It writes clean recordings: no duplicates, nothing late, no personal data.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import get_args

from agents.synthetic import simulation
from agents.synthetic.kernel import HOUR
from agents.synthetic.load import ZONE, ScenarioName, to_ms
from agents.synthetic.pen import Record
from streams.errors import FirstlineError

SCENARIOS: tuple[ScenarioName, ...] = get_args(ScenarioName)
"""`calm`: targets are met; `monday`: too few people on Monday mornings; `outage`: the product is down for a while."""
DEFAULT_START = datetime(2026, 3, 2, tzinfo=ZONE)
"""A Monday, 00:00 in Berlin."""


def generate(seed: int, days: float, scenario: ScenarioName = "calm", start: datetime = DEFAULT_START) -> Iterator[bytes]:
    """A recording of `days` days from `start`, as JSON lines in time order. The same arguments give the same bytes.

    In `outage` the product is down from 40 % to 60 % of the time, moved into business hours if need be.
    """
    begin = _checked(scenario, start)
    end = begin + int(days * 24 * HOUR)
    for record in simulation.office(seed, scenario, begin, end):
        if record.time >= end:
            return
        yield record.value + b"\n"


def stream(seed: int, scenario: ScenarioName, start: datetime, *, always_open: bool = True) -> Iterator[Record]:
    """Records (time in ms, key, value, topic) from `start` on, in time order, without end.

    `always_open`: busy from the first second at whatever hour, about a dozen events a second; in `outage` the product then fails a minute
    after `start` for two minutes, and again every twelve minutes. Otherwise days, nights and weeks pass, and the product fails once, within
    the first day.
    """
    begin = _checked(scenario, start)
    if always_open:
        return simulation.demo(seed, scenario, begin)
    return simulation.office(seed, scenario, begin, begin + 24 * HOUR)


def _checked(scenario: str, start: datetime) -> int:
    """`start` in milliseconds, if both make sense."""
    if scenario not in SCENARIOS:
        raise FirstlineError(f"generate, option scenario: {scenario!r} is not known; use one of {', '.join(SCENARIOS)}")
    if start.utcoffset() is None:
        raise FirstlineError(f"generate, argument start: {start.isoformat()} has no time zone; add one, such as +01:00")
    return to_ms(start)


__all__ = ["DEFAULT_START", "SCENARIOS", "Record", "ScenarioName", "generate", "stream"]
