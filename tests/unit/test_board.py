import asyncio
import threading

import pytest

from agents import board as board_module
from agents.board import Board
from streams.snapshot import CENTRE, Row, RowKey, Snapshot

PS = RowKey(("queue",), ("PS",), "1h")
NW = RowKey(("queue",), ("NW",), "1h")
ALL = RowKey((), (), "1h")


class Clocks:
    """Time that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds

    def wall(self) -> int:
        return 1_794_213_803_000 + int(self.seconds * 1000)


def row(value: int, end: str = "2026-11-09T09:45:00+01:00") -> Row:
    return {"segment": {}, "start": "2026-11-09T08:45:00+01:00", "end": end, "window": "1h", "kpis": {"offered": {"value": value}}}


def published(**fields: object) -> Snapshot:
    return Snapshot(**{"at": 1_794_213_900_000, "tick": 7, "policy": "2026-11", "time_zone": "Europe/Berlin", **fields})  # type: ignore[arg-type]


def test_a_board_without_a_snapshot_says_that_it_is_starting() -> None:
    status = Board().status()
    assert (status.status, status.at, status.complete) == ("starting", None, False)


def test_changed_rows_are_merged_into_what_is_known() -> None:
    board = Board()
    board.publish(published(changed={PS: row(1), NW: row(2)}))
    board.publish(published(changed={PS: row(3)}))
    assert board.row((("queue",), ("PS",)), "1h") == row(3)
    assert board.row((("queue",), ("NW",)), "1h") == row(2)


def test_a_row_handed_over_as_none_is_gone_with_its_segment_and_counters() -> None:
    board = Board()
    board.publish(published(changed={PS: row(1), NW: row(2)}, counters={PS[:2]: {"offered": 1}}, goals={PS[:2]: {"service_level": 0.8}}))
    board.publish(published(changed={PS: None}))
    assert board.row((("queue",), ("PS",)), "1h") is None
    assert list(board.segments()) == [(("queue",), ("NW",))]
    assert board.view().counters == {}
    assert board.goals((("queue",), ("PS",))) == {}


def test_a_full_snapshot_forgets_what_it_does_not_contain() -> None:
    board = Board()
    board.publish(published(changed={PS: row(1), NW: row(2)}))
    board.publish(published(changed={NW: row(5)}, full=True))
    assert list(board.view().rows) == [NW]
    assert board.changes(1).removed == [PS]


def test_an_unchanged_row_is_shown_with_the_span_of_the_latest_snapshot() -> None:
    board = Board()
    board.publish(published(changed={PS: row(1)}))
    board.publish(published(spans={"1h": ("2026-11-09T08:45:30+01:00", "2026-11-09T09:45:30+01:00")}))
    shown = board.row((("queue",), ("PS",)), "1h")
    assert shown is not None
    assert (shown["start"], shown["end"]) == ("2026-11-09T08:45:30+01:00", "2026-11-09T09:45:30+01:00")
    assert shown["kpis"] == {"offered": {"value": 1}}


def test_five_seconds_without_a_snapshot_make_the_board_stale_since_the_last_one() -> None:
    clocks = Clocks()
    board = Board(monotonic=clocks.monotonic, wall=clocks.wall)
    board.publish(published())
    clocks.seconds += 4.9
    assert board.status().status == "live"
    clocks.seconds += 0.1
    status = board.status()
    assert (status.status, status.stale_since) == ("stale", "2026-11-09T09:45:03+01:00")
    board.publish(published())
    assert board.status().stale_since is None


def test_the_final_state_of_a_recording_never_becomes_stale() -> None:
    clocks = Clocks()
    board = Board(monotonic=clocks.monotonic, wall=clocks.wall)
    board.publish(published(final=True))
    clocks.seconds += 3600
    assert board.status().status == "final"
    assert board.stale_in() is None


@pytest.mark.parametrize(
    ("fields", "word"),
    [({"complete": False, "missing": (3,)}, "incomplete"), ({"rebuilding": True, "complete": False}, "rebuilding"), ({}, "live")],
)
def test_the_first_word_says_the_worst(fields: dict[str, object], word: str) -> None:
    board = Board()
    board.publish(published(**fields))
    assert board.status().status == word


def test_changes_since_a_number_are_only_what_came_after_it() -> None:
    board = Board()
    board.publish(published(changed={PS: row(1), NW: row(2), ALL: row(3)}))
    board.publish(published(changed={PS: row(4)}))
    board.publish(published(changed={NW: None}))
    change = board.changes(1)
    assert (change.since, change.seq, change.rows, change.removed, change.total) == (1, 3, {PS: row(4)}, [NW], 2)
    assert board.changes(3).rows == {}


def test_changes_may_be_narrowed_to_rows_and_segmentations() -> None:
    board = Board()
    board.publish(published(changed={PS: row(1), NW: row(2), ALL: row(3)}))
    assert set(board.changes(None, [ALL]).rows) == {ALL}
    assert set(board.changes(None, [ALL], [(("queue",), "1h")]).rows) == {ALL, PS, NW}


def test_a_changed_goal_makes_its_rows_changed() -> None:
    board = Board()
    board.publish(published(changed={PS: row(1), NW: row(2)}, goals={PS[:2]: {"service_level": 0.8}}))
    board.publish(published(goals={PS[:2]: {"service_level": 0.9}}))
    change = board.changes(1)
    assert (list(change.rows), change.goals) == ([PS], {PS[:2]: {"service_level": 0.9}})


def test_a_number_that_the_board_no_longer_knows_gives_the_whole_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_module, "_REMEMBERED_REMOVALS", 1)
    board = Board()
    board.publish(published(changed={PS: row(1), NW: row(2), ALL: row(3)}))
    board.publish(published(changed={PS: None}))
    board.publish(published(changed={NW: None}))
    assert board.changes(1).since is None
    assert board.changes(2).since == 2
    assert board.changes(99).since is None


def test_alerts_are_marked_as_changed_only_when_they_are() -> None:
    board = Board()
    board.publish(published(alerts=[{"id": "a"}]))
    board.publish(published(alerts=[{"id": "a"}]))
    assert board.changes(0).alerts_changed
    assert not board.changes(1).alerts_changed


async def test_a_reader_waits_until_the_next_snapshot() -> None:
    board = Board()
    waiting = asyncio.create_task(board.newer_than(0, 60))
    await asyncio.sleep(0)
    assert not waiting.done()
    board.publish(published())
    assert await waiting == 1
    assert await board.newer_than(0, 60) == 1


async def test_a_snapshot_published_by_another_thread_wakes_the_reader() -> None:
    board = Board()
    waiting = asyncio.create_task(board.newer_than(0, 60))
    await asyncio.sleep(0)
    thread = threading.Thread(target=board.publish, args=(published(),))
    thread.start()
    assert await waiting == 1
    thread.join()


async def test_a_reader_gets_the_old_number_when_the_time_is_up() -> None:
    assert await Board().newer_than(0, 0.001) == 0


def test_the_view_does_not_change_with_the_board() -> None:
    board = Board()
    board.publish(published(changed={PS: row(1)}))
    view = board.view()
    board.publish(published(changed={NW: row(2)}))
    assert list(view.rows) == [PS]
    assert list(view.segments) == [(("queue",), ("PS",))]


def test_goals_of_the_whole_centre_are_the_default() -> None:
    board = Board()
    board.publish(published(changed={ALL: row(1)}, goals={CENTRE: {"service_level": 0.8}}))
    assert board.goals() == {"service_level": 0.8}
