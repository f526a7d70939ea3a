"""How long the rows of a tick wait while events do: a worker that is behind must not only make rows."""

BEHIND, FAR_BEHIND = 5_000, 50_000
"""Events still to be read. Beyond the first they have their share of the time; beyond the second the rows of every tick are left out: they
would be of long ago, and cost more than the events."""
EVENTS_TO_ROWS = 3
"""Behind, events get so many times the time that rows take."""
ROWS_WHEN_BEHIND_S = 10.0
"""Rows still come so often, if they do not take long."""
EVALUATION_S = 15e-6
"""What an interaction takes that has changed, roughly: rows that are still to be made must not hold up the last events of many."""


def pause(behind: int, spent: float, touched: int) -> float:
    """The least time (s) from one tick's rows to the next: with so many events to be read, after rows that took `spent` (s), and with so
    many interactions that have changed since."""
    if behind <= BEHIND:
        return 0.0
    least = spent * EVENTS_TO_ROWS
    if behind > FAR_BEHIND:
        return max(least, ROWS_WHEN_BEHIND_S)
    return max(least, min(touched * EVALUATION_S * EVENTS_TO_ROWS, ROWS_WHEN_BEHIND_S))
