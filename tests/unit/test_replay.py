"""Replay against a sender that only remembers: order, pace, positions, end markers."""

from pathlib import Path

import msgspec
import pytest

from agents.recordings import Record
from agents.replay import Pace, ReplayState, ReplayStateError, end, in_time_order, replay
from streams.events import decode, make


class Memory:
    """Keeps what it is given, and when it was settled."""

    def __init__(self, largest: int = 100) -> None:
        self.sent: list[bytes] = []
        self.marks: list[tuple[int, str, bytes]] = []
        self.settled: list[int] = []
        self._largest = largest

    def send(self, record: Record) -> bool:
        if len(record.raw) > self._largest:
            return False
        self.sent.append(record.raw)
        return True

    def mark(self, partition: int, subject: str, value: bytes) -> None:
        self.marks.append((partition, subject, value))

    def settle(self) -> None:
        self.settled.append(len(self.sent))


def record(time: int, raw: bytes = b"", kind: str = "call.queued") -> Record:
    return Record(0, time, raw or b"%d" % time, "a", make(kind, time, str(time)))


def never(record: Record) -> None:
    raise AssertionError(record)


NOTHING = ReplayState(None, [])


def test_records_go_out_as_they_stand_and_the_last_instant_is_known() -> None:
    memory = Memory()
    done = replay([record(3000), record(9000), record(5000)], memory, Pace(None), NOTHING, too_large=never)
    assert memory.sent == [b"3000", b"9000", b"5000"]
    assert (done.sent, done.skipped, done.last) == (3, 0, 9000)
    assert memory.settled == [3]


def test_in_time_order_keeps_the_order_of_one_instant() -> None:
    found = in_time_order([record(2, b"a"), record(1, b"b"), record(2, b"c"), record(1, b"d")])
    assert [each.raw for each in found] == [b"b", b"d", b"a", b"c"]


def test_markers_in_the_recording_are_left_out_and_do_not_count() -> None:
    memory = Memory()
    done = replay([record(1), record(99, kind="recording.ended")], memory, Pace(None), NOTHING, too_large=never)
    assert (memory.sent, done.last) == ([b"1"], 1)


def test_a_record_that_is_too_large_for_the_broker_is_told_and_stops_nothing() -> None:
    memory, told = Memory(largest=5), []
    done = replay([record(1), record(2, b"long long"), record(3)], memory, Pace(None), NOTHING, too_large=told.append)
    assert (memory.sent, [each.line for each in told], done.sent) == ([b"1", b"3"], [2], 2)


def test_time_passes_at_the_chosen_speed_from_the_first_event_on() -> None:
    clock, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 6))
        clock[0] += seconds

    pace = Pace(60, lambda: clock[0], sleep)
    for instant in (600_000, 660_000, 600_000, 720_000):
        pace.wait(instant)
    assert slept == [1.0, 1.0]
    clock[0] += 10
    pace.wait(780_000)
    assert slept == [1.0, 1.0]


def test_the_position_is_kept_only_after_the_broker_has_acknowledged(tmp_path: Path) -> None:
    recording = tmp_path / "r"
    recording.write_text("x")
    state = ReplayState(tmp_path / "state", [recording], cluster="c", order="file")
    saved: list[tuple[int, int]] = []
    memory = Memory()
    state.save = lambda position: saved.append((position, memory.settled[-1]))  # type: ignore[method-assign]
    ticks = iter(range(100))
    replay([record(time) for time in range(1, 6)], memory, Pace(None), state, too_large=never, now=lambda: next(ticks) * 0.5)
    assert saved == [(2, 2), (4, 4), (5, 5)]


def test_a_stopped_replay_goes_on_after_what_is_there(tmp_path: Path) -> None:
    recording = tmp_path / "r"
    recording.write_text("x")
    state = ReplayState(tmp_path / "state", [recording], cluster="c", order="file")
    assert state.load() == 0
    state.save(2)
    memory = Memory()
    done = replay([record(9), record(1), record(2), record(3)], memory, Pace(None), state, too_large=never)
    assert (memory.sent, done.sent, done.skipped, done.last) == ([b"2", b"3"], 2, 2, 9)
    state.remove()
    assert state.load() == 0


def test_the_state_of_another_replay_is_refused(tmp_path: Path) -> None:
    recording, path = tmp_path / "r", tmp_path / "state"
    recording.write_text("x")
    ReplayState(path, [recording], cluster="c", order="file").save(2)
    with pytest.raises(ReplayStateError) as caught:
        ReplayState(path, [recording], cluster="d", order="file").load()
    assert str(caught.value) == f"--resume: {path}: is of a replay with other cluster; remove it or name another file"
    with pytest.raises(ReplayStateError) as caught:
        ReplayState(path, [recording], cluster="c", order="time").load()
    assert str(caught.value) == (f"--resume: {path}: is of a replay with another --speed; give max again, remove it or name another file")
    path.write_text(path.read_text().replace("firstline.replay/1", "firstline.replay/2"))
    with pytest.raises(ReplayStateError, match="with other format; remove it or name another file"):
        ReplayState(path, [recording], cluster="c", order="file").load()
    path.write_text(path.read_text().replace("firstline.replay/2", "firstline.replay/1"))
    recording.write_text("xy")
    with pytest.raises(ReplayStateError, match="with other files; remove it"):
        ReplayState(path, [recording], cluster="c", order="file").load()
    for text in ("", "[]", "{}", '{"acknowledged": null}'):
        path.write_text(text)
        with pytest.raises(ReplayStateError, match="is no state of a replay; name another file"):
            ReplayState(path, [recording], cluster="c", order="file").load()
    with pytest.raises(ReplayStateError, match="cannot be written"):
        ReplayState(tmp_path / "none" / "state", [recording]).save(1)


def test_every_partition_is_told_the_same_final_instant() -> None:
    memory = Memory()
    end(memory, 3, 1_000_000_000_001)
    assert [mark[:2] for mark in memory.marks] == [(0, "recording-ended-0"), (1, "recording-ended-1"), (2, "recording-ended-2")]
    for _, name, value in memory.marks:
        subject, event = decode(value)
        assert (subject, event.type, event.time) == (name, "recording.ended", 1_000_000_000_001)
        assert msgspec.json.decode(value)["data"] == {"at": "2001-09-09T01:46:40.001000Z"}
    assert memory.settled == [0]
