"""Which live rows are verified, by what is known of what is in them, and what counts as a difference."""

from typing import Any

import msgspec
import pytest

from agents.live_rows import Heard, LiveRows
from agents.partials import Held, Reached
from agents.verify import choose, flat, unlike
from streams.events import StoredVersionError

NOON = "2026-03-02T12:00:00.500+01:00"
NOON_MS = 1_772_449_200_500
QUEUE = (("queue",), ("a",))


def value(**more: Any) -> bytes:
    row = {"segment": {"queue": "a"}, "start": "2026-03-02T11:00:00+01:00", "end": NOON, "window": "1h", "kpis": {"offered": {"value": 1}}}
    return msgspec.json.encode({"format": "firstline.kpis/1", "policy": "p", "complete": True, "rows": [row], **more})


def reached(partition: int, *, now_ms: int = NOON_MS, positions: tuple[int, ...] = (7, 0, 0, 0, 0)) -> Reached:
    return Reached(partition, 1, 5, now_ms, 3, "p", False, (Held(partition, 1, positions),))


def heard(*of: Reached) -> LiveRows:
    live = LiveRows(2)
    live.put_rows(b'{"queue":"a"}', value())
    for each in of:
        live.put_reached(each)
    return live


def test_a_row_is_known_once_all_partitions_have_told_how_far_they_had_read_for_its_instant() -> None:
    assert heard(reached(0)).known(QUEUE) == {}
    live = heard(reached(0), reached(1, positions=(9, 1, 2, 3, 4)))
    assert [(at, rows.policy) for at, rows in live.known(QUEUE).items()] == [(NOON_MS, "p")]
    assert live.positions[NOON_MS]["calls", 0] == 7
    assert [live.positions[NOON_MS][topic, 1] for topic in ("calls", "chats", "tickets", "feedback", "control")] == [9, 1, 2, 3, 4]


def test_one_worker_may_tell_of_all_partitions_and_one_that_lacks_a_partition_is_not_enough() -> None:
    both = Reached(0, 1, 5, NOON_MS, 3, "p", False, (Held(0, 1, (7, 0, 0, 0, 0)), Held(1, 4, (9, 1, 2, 3, 4))))
    live = heard(both)
    assert list(live.known(QUEUE)) == [NOON_MS]
    assert (live.positions[NOON_MS]["calls", 0], live.positions[NOON_MS]["calls", 1]) == (7, 9)
    assert heard(both._replace(held=both.held[:1])).known(QUEUE) == {}


@pytest.mark.parametrize(
    "other",
    [reached(1, now_ms=NOON_MS + 500), reached(1, positions=()), reached(1, positions=(1, -1, 0, 0, 0))],
    ids=["another instant", "an older release", "not known yet"],
)
def test_a_row_of_which_one_partitions_part_is_not_known_is_left_alone(other: Reached) -> None:
    assert heard(reached(0), other).known(QUEUE) == {}


def test_incomplete_rows_are_left_alone_and_a_segment_that_is_gone_is_forgotten() -> None:
    live = heard(reached(0), reached(1))
    live.put_rows(b'{"queue":"b"}', value(complete=False))
    assert live.rows[("queue",), ("b",)] == {}
    live.put_rows(b'{"queue":"a"}', None)
    assert live.known(QUEUE) == {}


def test_rows_of_a_newer_release_are_refused() -> None:
    with pytest.raises(StoredVersionError, match=r"format 'firstline.kpis/2', but this release reads 'firstline.kpis/1'; use the"):
        heard().put_rows(b"{}", value(format="firstline.kpis/2"))


def test_few_instants_are_chosen_for_many_segments() -> None:
    known = {
        (("queue",), (name,)): {at: Heard(at, "p", []) for at in instants}
        for name, instants in {"a": (1, 2), "b": (2, 3), "c": (2,), "d": (4,), "e": ()}.items()
    }
    chosen = choose(known)
    assert {at: sorted(values[0] for _, values in rows) for at, rows in chosen.items()} == {2: ["a", "b", "c"], 4: ["d"]}


def test_every_number_is_compared_by_its_path() -> None:
    live = dict(flat({"sl": {"value": 0.5, "n": 2, "variants": {"ignored": 0.25}}, "gone": {"value": 1}}))
    assert live == {"sl.value": 0.5, "sl.n": 2, "sl.variants.ignored": 0.25, "gone.value": 1}
    again = dict(flat({"sl": {"value": 0.5, "n": 3, "variants": {"ignored": 0.25}}, "new": {"value": None}}))
    assert list(unlike(live, again)) == [("sl.n", 2, 3), ("gone.value", 1, None)]
