"""Partitions change hands: the rows hold each of them once, whatever comes first."""

from streams.rollup import Rollup
from tests.unit.ledger_partition import HOUR_OF_CENTRE, NOON, POLICY, Partition, offered, published


class Worker(Partition):
    """A worker with several partitions and so many calls in its rows."""

    def __init__(self, rollup: Rollup, held: dict[int, int], calls: int) -> None:
        super().__init__(rollup, min(held), held[min(held)])
        self.partitions = held
        for n in range(calls):
            self.add(f"c{n}", "call.queued", -1, queue="a")

    def tick(self, tick: int, *, ended: bool = False) -> None:
        self.send(tick)
        self.rollup.reached(self.number, self.epoch, tick, NOON + tick * 1000, POLICY.version, ended=ended, held=self.partitions)


def of_centre(rollup: Rollup) -> int:
    return offered(rollup)[HOUR_OF_CENTRE]


def test_the_parts_of_before_stay_until_all_of_their_partitions_are_told_of_by_others() -> None:
    rollup = Rollup(POLICY, 3)
    before = Worker(rollup, {0: 1, 1: 1, 2: 1}, 6)
    before.tick(1)
    assert (published(rollup).missing, of_centre(rollup)) == ((), 6)
    first, second = Worker(rollup, {0: 2, 1: 2}, 4), Worker(rollup, {2: 2}, 3)
    for tick in (5, 6):
        first.tick(tick)
        snapshot = published(rollup)
        assert (snapshot.tick, snapshot.missing, snapshot.rebuilding, of_centre(rollup)) == (tick - 2, (0, 1, 2), True, 6)
        assert snapshot.at == NOON + 1000
    second.tick(6)
    snapshot = published(rollup)
    assert (snapshot.tick, snapshot.at, snapshot.missing, snapshot.rebuilding, of_centre(rollup)) == (6, NOON + 6000, (), False, 7)


def test_who_told_of_nothing_in_time_is_passed_over() -> None:
    rollup = Rollup(POLICY, 2)
    Worker(rollup, {0: 1, 1: 1}, 2).tick(1)
    published(rollup)
    Worker(rollup, {0: 2}, 1).tick(2)  # and before the other partition was opened, both moved on
    both = Worker(rollup, {0: 3, 1: 2}, 5)
    both.tick(3)
    snapshot = published(rollup)
    assert (snapshot.tick, snapshot.missing, snapshot.rebuilding, of_centre(rollup)) == (3, (), False, 5)


def test_a_worker_that_slept_through_a_rebalance_tells_nothing() -> None:
    rollup = Rollup(POLICY, 2)
    asleep = Worker(rollup, {0: 1, 1: 1}, 2)
    asleep.tick(1)
    published(rollup)
    Worker(rollup, {1: 2}, 3).tick(2)
    asleep.add("x", "call.queued", 1, queue="a")
    asleep.tick(9)
    assert rollup.ready() is None
    Worker(rollup, {0: 2}, 4).tick(2)
    assert (published(rollup).missing, of_centre(rollup)) == ((), 7)
    asleep.tick(10)
    assert rollup.ready() is None


def test_rows_that_were_told_before_the_parts_are_shown_are_their_last_state() -> None:
    rollup = Rollup(POLICY, 2)
    Worker(rollup, {0: 1, 1: 1}, 2).tick(1)
    published(rollup)
    left = Worker(rollup, {0: 2}, 1)
    for tick in range(4, 9):
        left.add(f"more{tick}", "call.queued", tick - 0.5, queue="a")
        left.tick(tick)
        published(rollup)
    Worker(rollup, {1: 2}, 0).tick(7)
    assert (published(rollup).tick, of_centre(rollup)) == (7, 5)  # not what is told of the tick after
    Worker(rollup, {1: 2}, 0).tick(8)
    assert (published(rollup).tick, of_centre(rollup)) == (8, 6)


def test_what_somebody_left_in_the_log_who_holds_nothing_any_more_is_not_waited_for() -> None:
    rollup = Rollup(POLICY, 2)
    Worker(rollup, {1: 1}, 2).send(1)  # without the tick: it was killed
    Worker(rollup, {0: 1, 1: 2}, 3).tick(2)
    snapshot = published(rollup)
    assert (snapshot.rebuilding, snapshot.missing, of_centre(rollup)) == (False, (), 3)


def test_rows_go_on_where_a_worker_is_started_anew_after_the_clock_was_set_back() -> None:
    rollup = Rollup(POLICY, 2)
    Worker(rollup, {0: 1, 1: 1}, 2).tick(9_000)
    published(rollup)
    again = Worker(rollup, {0: 2, 1: 2}, 3)
    for tick in (10, 11):
        again.tick(tick)
        assert (published(rollup).tick, of_centre(rollup)) == (tick, 3)


def test_a_reader_that_begins_in_the_middle_shows_what_there_is() -> None:
    rollup = Rollup(POLICY, 2)
    left = Worker(rollup, {0: 2}, 3)
    for tick in (1, 4):
        left.tick(tick)
    snapshot = published(rollup)
    assert (snapshot.tick, snapshot.missing, of_centre(rollup)) == (2, (1,), 3)
    Worker(rollup, {1: 7}, 1).tick(4)
    assert (published(rollup).missing, of_centre(rollup)) == ((), 4)
