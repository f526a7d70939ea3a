"""Which instant the rollup's rows are of: clocks that were set back, partitions that moved, parts that are ahead."""

from streams.rollup import Rollup
from tests.unit.ledger_partition import HOUR_OF_CENTRE, NOON, POLICY, Partition, of_queue, offered, published, two


def test_rows_go_on_when_the_clock_was_set_back() -> None:
    rollup, left, right = two()
    left.tick(1_000)
    right.tick(1_000)
    assert published(rollup).tick == 1_000
    left.add("c1", "call.queued", -10, queue="a")
    left.tick(1_001)  # the other one has not come so far when the clock goes back
    right.add("c2", "call.queued", -10, queue="a")
    left.tick(1)
    right.tick(1)
    assert published(rollup).tick == 1
    assert offered(rollup) == {HOUR_OF_CENTRE: 2, of_queue("a"): 2}
    left.tick(2)
    right.tick(2)
    assert published(rollup).tick == 2


def test_parts_of_an_epoch_that_has_ended_keep_their_instant_until_the_new_one_has_reached_a_tick() -> None:
    rollup, left, _ = two()
    left.add("c1", "call.queued", 9, queue="a")
    left.tick(10)
    rollup.reached(1, 1, 10, NOON + 3000, POLICY.version)
    assert published(rollup).at == NOON + 10_000
    moved = Partition(rollup, 0, epoch=2)
    moved.add("c2", "call.queued", 1, queue="a")
    moved.send(11)
    rollup.reached(1, 1, 13, NOON + 4000, POLICY.version)
    snapshot = published(rollup)
    assert (snapshot.at, snapshot.missing) == (NOON + 10_000, (0,))
    assert rollup.rows[HOUR_OF_CENTRE]["kpis"]["longest_wait"]["value"] == 1.0  # not of the 9 s of c2, whose instant is not known yet


def test_a_row_is_of_the_instant_of_its_parts_also_if_a_partition_is_already_ahead() -> None:
    rollup, left, right = two()
    left.tick(1)
    right.tick(1)
    published(rollup)
    left.tick(2)
    left.add("c1", "call.queued", 2.5, queue="a")
    left.tick(3)
    right.tick(2)
    snapshot = published(rollup)
    assert (snapshot.tick, snapshot.at, snapshot.complete) == (2, NOON + 2000, True)
    right.tick(3)
    assert published(rollup).at == NOON + 3000


def test_parts_keep_their_instant_until_the_tick_that_replaces_them_is_published_also_after_a_clock_was_set_back() -> None:
    rollup, left, right = two()
    left.add("c1", "call.queued", 995, queue="a")
    left.tick(1000)
    right.tick(1000)
    assert published(rollup).at == NOON + 1_000_000
    # Both clocks are set back; the left partition has moved to a worker that knows less, and is ahead of the right one.
    moved = Partition(rollup, 0, epoch=2)
    moved.add("c0", "call.queued", 50, queue="a")
    moved.tick(110)
    rollup.reached(1, 1, 105, NOON + 105_000, POLICY.version)
    assert published(rollup).at == NOON + 1_000_000
    assert rollup.rows[HOUR_OF_CENTRE]["kpis"]["longest_wait"]["value"] == 5.0
    rollup.reached(1, 1, 110, NOON + 110_000, POLICY.version)
    assert published(rollup).at == NOON + 110_000
    assert rollup.rows[HOUR_OF_CENTRE]["kpis"]["longest_wait"]["value"] == 60.0


def test_rows_of_a_clock_that_was_ahead_do_not_hold_up_later_ones_for_whom_reads_the_log_anew() -> None:
    """Compaction has left a row of then, and of what was reached only the last."""
    rollup = Rollup(POLICY, 1)
    desk = Partition(rollup, 0)
    desk.add("c1", "call.queued", 1, queue="a")
    desk.view.advance(NOON + 5000)
    ahead = dict(desk.view.partials())
    for key, packed in ahead.items():
        rollup.put(0, 1, 9000, key, packed)
    desk.add("c2", "call.queued", 6, queue="a")
    desk.tick(10)
    assert published(rollup).tick == 10
    assert offered(rollup)[of_queue("a")] == 2


def test_ticks_that_were_reached_before_a_clock_jumped_ahead_and_back_keep_their_instants() -> None:
    rollup, left, right = two()
    for tick in (1, 2, 3):
        left.add(f"c{tick}", "call.queued", tick - 0.5, queue="a")
        left.tick(tick)
    right.tick(1)
    assert published(rollup).at == NOON + 1000
    rollup.reached(0, 1, 9000, NOON + 3500, POLICY.version)  # a recording's own clock goes on
    rollup.reached(0, 1, 5, NOON + 4000, POLICY.version)
    rollup.reached(1, 1, 4, NOON + 1500, POLICY.version)
    snapshot = published(rollup)
    assert (snapshot.tick, snapshot.at) == (4, NOON + 3000)
    assert rollup.rows[of_queue("a")]["kpis"]["longest_wait"]["value"] == 2.5
