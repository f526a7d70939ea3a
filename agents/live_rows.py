"""Listening to running workers: which rows they publish, and up to which offsets of the source topics each is made.

Rows stand on the `kpis` topic. With every tick the workers also say on `partials` how far each partition had been read for it. So of a row
whose instant is that of a tick it is known exactly which events are in it, however late others come and however far the workers are behind.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, TopicPartition

from agents.live import KPIS_FORMAT
from agents.partials import Held, Reached, decode
from agents.settings import Settings
from agents.topic_reader import Place, ReadingFailedError
from agents.topics import KPIS, PARTIALS
from streams.calendar_time import from_rfc3339
from streams.events import INTERACTION_TOPICS, StoredVersionError
from streams.segment import segment_key
from streams.snapshot import Row, SegmentKey
from streams.turns import turn_of

KEPT = 20
"""Instants that are remembered of each segment."""


class _Published(msgspec.Struct):
    policy: str
    rows: list[Row]
    format: str = KPIS_FORMAT
    complete: bool = True


_published = msgspec.json.Decoder(_Published).decode
_segment = msgspec.json.Decoder(dict[str, str | None]).decode


class Heard(NamedTuple):
    """Rows of one segment at one instant (ms), and the version of the policy they were made with."""

    at: int
    policy: str
    rows: list[Row]


@dataclass
class LiveRows:
    """What was heard so far."""

    partitions: int
    rows: dict[SegmentKey, dict[int, Heard]] = field(default_factory=dict)
    """By segment and instant."""
    positions: dict[int, dict[Place, int]] = field(default_factory=dict)
    """By instant the offset of each source partition below which everything is in the rows, and nothing else is."""
    ticks: dict[int, int | None] = field(default_factory=dict)
    """By instant its tick; None if that is the end of a recording, of which every row is told."""
    workers: bool = False
    """Whether any partition was heard of."""
    _ticks: dict[int, dict[int, Reached]] = field(default_factory=dict)

    def put_rows(self, key: bytes, value: bytes | None) -> None:
        """A record of the `kpis` topic. Raises `StoredVersionError`."""
        named = _segment(key)
        segment = tuple(named), tuple(named.values())
        if value is None:
            self.rows.pop(segment, None)
            return
        told = _published(value)
        if told.format != KPIS_FORMAT:
            raise StoredVersionError(
                f"topic {KPIS}: a row of format {told.format!r}, but this release reads {KPIS_FORMAT!r}; use the release of the workers"
            )
        known = self.rows.setdefault(segment, {})
        if told.rows and told.complete:
            at = from_rfc3339(told.rows[0]["end"])
            known[at] = Heard(at, told.policy, told.rows)
            for old in sorted(known)[:-KEPT]:
                del known[old]

    def put_reached(self, reached: Reached) -> None:
        """A worker has sent its part of a tick."""
        self.workers = True
        of_tick = self._ticks.setdefault(reached.tick, {})
        of_tick.update((each.partition, reached) for each in reached.held)
        told = dict.fromkeys(of_tick.values())
        held = [each for worker in told for each in worker.held]
        if len(held) == len(of_tick) == self.partitions and len({each.now_ms for each in told}) == 1 and all(map(_is_known, held)):
            self.ticks[reached.now_ms] = None if all(each.ended for each in told) else reached.tick
            self.positions[reached.now_ms] = {
                (topic, each.partition): offset for each in held for topic, offset in zip(INTERACTION_TOPICS, each.positions, strict=True)
            }
        for old in sorted(self._ticks)[: -4 * KEPT]:
            del self._ticks[old]

    def known(self, segment: SegmentKey) -> dict[int, Heard]:
        """The rows of a segment of which it is known what is in them: those of ticks that it was told in. A row that was made again in
        another tick, for its age alone, holds what it held before."""
        turns, turn = turn_of(segment[0], segment_key(*segment))
        rows, ticks = self.rows.get(segment, {}), self.ticks
        return {at: heard for at, heard in rows.items() if at in ticks and ((tick := ticks[at]) is None or tick % turns == turn)}


def _is_known(held: Held) -> bool:
    return len(held.positions) == len(INTERACTION_TOPICS) and min(held.positions) >= 0


def listen(settings: Settings, partitions: int, enough: Callable[[LiveRows], bool], patience_s: float) -> LiveRows:
    """Reads what stands on `kpis`, then listens until there is `enough`, at most so many seconds. Raises `ReadingFailedError`."""
    out = LiveRows(partitions)
    kpis, partials = settings.topic(KPIS), settings.topic(PARTIALS)
    own = {"group.id": "firstline-verify", "enable.auto.commit": False, "enable.partition.eof": True, "log_level": 0}
    consumer = Consumer({"bootstrap.servers": settings.brokers, **own})
    try:
        consumer.assign([TopicPartition(kpis, 0, OFFSET_BEGINNING), TopicPartition(partials, 0, OFFSET_END)])
        until, all_read = time.monotonic() + patience_s, False
        while time.monotonic() < until and not (all_read and enough(out)):
            for message in consumer.consume(5_000, 0.3):
                error = message.error()
                if error is None:
                    _put(out, message, kpis)
                elif error.code() != KafkaError._PARTITION_EOF:
                    raise ReadingFailedError(f"Kafka at {settings.brokers}: topic {message.topic()}: {error.str()}; mend that")
                elif message.topic() == kpis:
                    all_read = True
        return out
    finally:
        consumer.close()


def _put(out: LiveRows, message: Any, kpis: str) -> None:
    key, value = message.key() or b"", message.value()
    if message.topic() == kpis:
        out.put_rows(key, value)
    elif isinstance(reached := decode(key, value, message.headers() or ()), Reached):
        out.put_reached(reached)
