"""Writes events: CloudEvents of the event contract, numbered within their interaction, at the simulation's instant."""

import zlib
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from agents.synthetic.kernel import Kernel

SOURCE = "synthetic"
TOPICS = {"call": "calls", "chat": "chats", "ticket": "tickets"}


class Record(NamedTuple):
    """What goes onto a topic: `time` in milliseconds since 1970, key = subject, value = the event as JSON."""

    time: int
    key: bytes
    value: bytes
    topic: str


class Pen:
    """Collects the records written since they were last taken. What begins before `start` (the warm-up) stays unwritten to its end."""

    def __init__(self, kernel: Kernel, start: int, run: str) -> None:
        self.kernel = kernel
        self.records: list[Record] = []
        self._start = start
        # A run has its own subjects: two recordings on one topic must not mix.
        self._run = f"{zlib.crc32(run.encode()):08x}"
        self._opened = dict.fromkeys(TOPICS, 0)
        self._encode = msgspec.json.Encoder().encode
        self._second = -1
        self._text = ""

    def open(self, channel: str) -> "Story":
        """A new interaction."""
        if self.kernel.now < self._start:
            return Story(self, "", "")
        self._opened[channel] += 1
        return Story(self, TOPICS[channel], f"{channel}-{self._run}-{self._opened[channel]:06d}")

    def write(self, topic: str, subject: str, number: int, kind: str, data: dict[str, object]) -> None:
        second, millisecond = divmod(self.kernel.now, 1000)
        if second != self._second:
            self._second = second
            self._text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        # The id need only be unique within its subject; padded, it also sorts events of one instant.
        event = {
            "specversion": "1.0",
            "id": f"{number:04d}",
            "source": SOURCE,
            "type": kind,
            "time": f"{self._text}{millisecond:03d}Z",
            "subject": subject,
            "data": data,
        }
        self.records.append(Record(self.kernel.now, subject.encode(), self._encode(event), topic))


class Story:
    """One interaction on its way through the centre."""

    __slots__ = ("_number", "_pen", "_topic", "subject")

    def __init__(self, pen: Pen, topic: str, subject: str) -> None:
        self._pen = pen
        self._topic = topic
        self.subject = subject
        self._number = 0

    def tell(self, kind: str, /, **data: object) -> None:
        """Write an event of now; what is None is not known and left out."""
        if self.subject:
            self._number += 1
            known = {name: value for name, value in data.items() if value is not None}
            self._pen.write(self._topic, self.subject, self._number, kind, known)
