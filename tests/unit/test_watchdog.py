"""The watch over a worker that stands still."""

import pytest

from agents.watchdog import StuckError, Watchdog


def test_work_that_does_not_move_is_noticed_after_the_limit() -> None:
    watchdog = Watchdog(10)
    for now in (100.0, 105.0, 109.9):
        watchdog.look(now, 7, busy=True, what="the recovery")
    with pytest.raises(StuckError, match="the recovery has not moved for 10 s"):
        watchdog.look(110.0, 7, busy=True, what="the recovery")


def test_any_progress_and_any_pause_begin_the_count_anew() -> None:
    watchdog = Watchdog(10)
    watchdog.look(100.0, 7, busy=True, what="it")
    watchdog.look(109.0, 8, busy=True, what="it")
    watchdog.look(118.0, 8, busy=False, what="it")
    watchdog.look(127.0, 8, busy=True, what="it")
