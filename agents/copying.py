"""Copying the events of one set of topics into another, each to the partition its subject has there: the way to more partitions.

Records are sent untouched: key, value, headers and timestamp. Only a recording's end markers go to every partition, and last, since a
worker takes them for a sign that all has come.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.intake import decoded
from agents.replay import END, ReplayStateError
from agents.replay_kafka import KafkaSender
from agents.settings import Settings
from agents.topic_reader import RawRecord, TopicReader
from streams.events import TOPICS
from streams.faults import EventFault
from streams.partitioning import partition_of

FORMAT = "firstline.copy/1"
_CHECKPOINT_S = 1.0
"""So much is sent again, at most, after a crash; duplicates are harmless."""

Place = tuple[str, int]
"""A topic without its prefix, and a partition."""


class CopyState:
    """Up to where each partition is copied, in a small file, which stays: a later run goes on from there. `path` None keeps nothing."""

    def __init__(self, path: Path | None, **what: str) -> None:
        """`what` are the things that must be the same for a copy to go on."""
        self._path = path
        self._what = {"format": FORMAT, **what}

    def load(self) -> dict[Place, int]:
        """The offset to go on at, by place. Raises `ReplayStateError` for a file of something else."""
        if self._path is None or not self._path.exists():
            return {}
        try:
            known = json.loads(self._path.read_bytes())
            done = {(name.rpartition("/")[0], int(name.rpartition("/")[2])): int(at) for name, at in known.pop("copied").items()}
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as exc:
            raise ReplayStateError(f"--resume: {self._path}: is no state of a copy; name another file") from exc
        for key, value in self._what.items():
            if known.get(key) != value:
                raise ReplayStateError(
                    f"--resume: {self._path}: is of a copy with another {key}: {known.get(key)!r}, not {value!r}; "
                    "remove it or name another file"
                )
        return done

    def save(self, copied: Mapping[Place, int]) -> None:
        """Replaces the file in one step. Raises `ReplayStateError`."""
        if self._path is None:
            return
        told = {**self._what, "copied": {f"{topic}/{partition}": offset for (topic, partition), offset in copied.items()}}
        new = self._path.with_name(self._path.name + ".new")
        try:
            new.write_text(json.dumps(told) + "\n", encoding="utf-8")
            new.replace(self._path)
        except OSError as exc:
            raise ReplayStateError(f"--resume: {self._path}: cannot be written ({exc.strerror or exc}); name another file") from exc


@dataclass
class Copied:
    """What a copy did. `expired`: records that the old topics have dropped before they were copied, by topic and partition."""

    sent: int = 0
    ends: int = 0
    too_large: list[tuple[str, int, int]] = field(default_factory=list)
    expired: dict[Place, int] = field(default_factory=dict)


class Copy:
    """One run: from what `state` knows to the ends that the old topics have now."""

    def __init__(self, old: Settings, new: Settings, partitions: int, state: CopyState) -> None:
        """`old` and `new` name the topics; `partitions` is how many the new interaction topics have. Raises as `TopicReader` does."""
        self._old, self._new, self._partitions, self._state = old, new, partitions, state
        self._done = state.load()
        self._reader = TopicReader(old.brokers, [old.topic(name) for name in TOPICS])
        self._reader.begin({(old.topic(name), partition): offset for (name, partition), offset in self._done.items()})
        self.left = self._reader.left
        """Records to copy, about: holes of transactions count as well."""

    def run(self, sender: KafkaSender, advance: Callable[[int], object], now: Callable[[], float] = time.monotonic) -> Copied:
        """Copies all. Raises `ReplayFailedError`, `ReplayStateError` and what reading raises."""
        copied = Copied(expired={(self._plain(topic), partition): lost for (topic, partition), lost in self._reader.expired.items()})
        markers: dict[bytes, RawRecord] = {}
        due = now() + _CHECKPOINT_S
        for records in self._reader:
            for record in records:
                self._send(record, sender, copied, markers)
            advance(len(records))
            if now() >= due and not markers:  # a marker held back would be lost if what follows it counted as copied
                self._settle(sender)
                due = now() + _CHECKPOINT_S
        sender.settle()
        for record in markers.values():
            for partition in range(self._partitions):
                self._put(record, sender, copied, partition)
            copied.ends += 1
        self._settle(sender)
        return copied

    def _settle(self, sender: KafkaSender) -> None:
        sender.settle()
        self._done |= {(self._plain(topic), partition): offset for (topic, partition), offset in self._reader.reached.items()}
        self._state.save(self._done)

    def _send(self, record: RawRecord, sender: KafkaSender, copied: Copied, markers: dict[bytes, RawRecord]) -> None:
        try:
            subject, event = decoded(record)
        except EventFault:  # it becomes a dead letter again, wherever it lies
            self._put(record, sender, copied, None)
            return
        if event.type == END:
            markers[record.value or b""] = record
        else:
            self._put(record, sender, copied, partition_of(subject.encode(), self._partitions))

    def _put(self, record: RawRecord, sender: KafkaSender, copied: Copied, partition: int | None) -> None:
        where: dict[str, Any] = {} if partition is None else {"partition": partition}
        name = self._plain(record.topic)
        headers, timestamp = list(record.headers), record.timestamp
        if sender.put(self._new.topic(name), record.value, record.key, headers=headers, timestamp=timestamp, **where):
            copied.sent += 1
        else:
            copied.too_large.append((record.topic, record.partition, record.offset))

    def _plain(self, topic: str) -> str:
        return topic.removeprefix(self._old.topic_prefix)


def alike(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What the settings of a new topic must become lest it drop what the old one keeps: retention and the size of records."""
    for name in ("retention.ms", "retention.bytes", "max.message.bytes"):
        mine, theirs = int(new[name]), int(old[name])
        if mine != -1 and (theirs == -1 or theirs > mine):
            yield name, str(theirs)
