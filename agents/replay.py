"""Replay: the records of a recording to Kafka in order, at a chosen pace, and from where an earlier one was stopped."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from agents.recording_files import name_of
from agents.recordings import Record
from streams.calendar_time import rfc3339
from streams.errors import FirstlineError
from streams.events import encode, make

END = "recording.ended"
SOURCE = "firstline-replay"
_CHECKPOINT_S = 1.0
"""So much is sent again, at most, after a crash; duplicates are harmless."""


class ReplayStateError(FirstlineError):
    """A state file of another replay, or none at all."""


class Sender(Protocol):
    """Where records go. Everything raises `FailedError` once the broker has refused a record for good."""

    def send(self, record: Record) -> bool:
        """False if the broker takes no record of that size."""
        ...

    def mark(self, partition: int, subject: str, value: bytes) -> None:
        """Sends a value to that partition of `control`."""
        ...

    def settle(self) -> None:
        """Waits until all that was sent is acknowledged."""
        ...


class Pace:
    """Lets event time pass `speed` times as fast as real time, from the first event on. None: no waiting."""

    def __init__(
        self, speed: float | None, now: Callable[[], float] = time.monotonic, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._speed = speed
        self._now = now
        self._sleep = sleep
        self._origin: tuple[float, int] | None = None

    def wait(self, event_ms: int) -> None:
        """Returns when it is time for the event."""
        if self._speed is None:
            return
        if self._origin is None:
            self._origin = self._now(), event_ms
        began, first = self._origin
        left = began + (event_ms - first) / 1000 / self._speed - self._now()
        if left > 0:
            self._sleep(left)


class ReplayState:
    """How many records of which recording are in which cluster, in a small file; `path` None keeps nothing."""

    def __init__(self, path: Path | None, files: Sequence[Path], **what: str) -> None:
        """`what` are further things that must be the same for a replay to go on."""
        self._path = path
        self._what: dict[str, Any] = {"format": "firstline.replay/1", **what}
        self._what["files"] = [[name_of(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files] if path else []

    def load(self) -> int:
        """Records that need not be sent again. Raises `ReplayStateError` for a file of another replay."""
        if self._path is None or not self._path.exists():
            return 0
        try:
            known = json.loads(self._path.read_bytes())
            done = int(known.pop("acknowledged"))
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as exc:
            raise ReplayStateError(f"--resume: {self._path}: is no state of a replay; name another file") from exc
        for key, value in self._what.items():
            if known.get(key) != value:
                if key == "order":  # of which there are two, so theirs is the other one
                    speed = "max" if value == "time" else "a number"
                    raise ReplayStateError(
                        f"--resume: {self._path}: is of a replay with another --speed; give {speed} again, remove it or name another file"
                    )
                raise ReplayStateError(f"--resume: {self._path}: is of a replay with other {key}; remove it or name another file")
        return done

    def save(self, acknowledged: int) -> None:
        """Replaces the file in one step. Raises `ReplayStateError`."""
        if self._path is None:
            return
        new = self._path.with_name(self._path.name + ".new")
        try:
            new.write_text(json.dumps({**self._what, "acknowledged": acknowledged}) + "\n", encoding="utf-8")
            new.replace(self._path)
        except OSError as exc:
            raise ReplayStateError(f"--resume: {self._path}: cannot be written ({exc.strerror or exc}); name another file") from exc

    def remove(self) -> None:
        """All is sent: the next replay begins anew."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


@dataclass
class Replayed:
    """What a replay did. `last` is the last instant (ms) of the whole recording."""

    sent: int = 0
    skipped: int = 0
    last: int | None = None


def in_time_order(records: Iterable[Record]) -> Iterator[Record]:
    """All records by time; those of one instant as they stand in the files. Holds the recording in memory."""
    yield from sorted(records, key=lambda record: record.event.time)


def replay(
    records: Iterable[Record],
    sender: Sender,
    pace: Pace,
    state: ReplayState,
    *,
    too_large: Callable[[Record], object],
    now: Callable[[], float] = time.monotonic,
) -> Replayed:
    """Sends the records but for those that `state` knows to be acknowledged, and for end markers, which `end` makes anew."""
    done = Replayed()
    skip = state.load()
    position = 0
    due = now() + _CHECKPOINT_S
    for record in records:
        event = record.event
        if event.type == END:
            continue
        if done.last is None or event.time > done.last:
            done.last = event.time
        position += 1
        if position <= skip:
            done.skipped += 1
            continue
        pace.wait(event.time)
        if sender.send(record):
            done.sent += 1
        else:
            too_large(record)
        if now() >= due:
            sender.settle()
            state.save(position)
            due = now() + _CHECKPOINT_S
    sender.settle()
    state.save(position)
    return done


def end(sender: Sender, partitions: int, at: int) -> None:
    """Tells every partition that the recording has ended; `at` is its final instant (ms)."""
    for partition in range(partitions):
        subject = f"recording-ended-{partition}"
        # The instant is part of the id: another recording on the same cluster ends with another event, not with a conflict.
        sender.mark(partition, subject, encode(subject, make(END, at, f"{SOURCE}/{at}", SOURCE, at=rfc3339(at))))
    sender.settle()
