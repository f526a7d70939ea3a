"""The share of rows and events in a worker's time."""

import pytest

from agents.pace import pause


@pytest.mark.parametrize(
    ("behind", "spent", "touched", "expected"),
    [
        (5_000, 4.0, 1_000_000, 0.0),  # in step, rows come at every tick, whatever they cost
        (5_001, 0.2, 0, 0.6),
        (5_001, 0.2, 100_000, 4.5),
        (5_001, 0.2, 1_000_000, 10.0),
        (50_000, 4.0, 1_000_000, 12.0),
        (50_001, 0.2, 0, 10.0),
        (50_001, 4.0, 0, 12.0),
    ],
)
def test_rows_wait_the_longer_the_more_they_cost(behind: int, spent: float, touched: int, expected: float) -> None:
    assert pause(behind, spent, touched) == pytest.approx(expected)
