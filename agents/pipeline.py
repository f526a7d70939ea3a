"""Figures of the pipeline itself: plain numbers that any part adds to, once a batch and never once an event, from any thread."""

import threading
from collections import Counter

from streams.faults import REASONS


class Pipeline:
    """What the metrics page says of the pipeline. Totals only rise; the attributes are gauges, None while unknown."""

    def __init__(self, version: str = "unknown") -> None:
        self.version = version
        self.event_delay_seconds: float | None = None
        """Between the time of the newest event and its processing, wall clock."""
        self.kafka_silence_seconds: float | None = None
        """Since the last answer of Kafka for the source partition that has waited longest; an answer without events is one."""
        self.open_interactions: int | None = None
        self.segments: int | None = None
        self.segments_overflowed: int | None = None
        """Segments beyond the policy's `max_segments`, shown together as `other`."""
        self.policy_error = False
        """The policy file on disk is broken and the last good one is in force."""
        self._lock = threading.Lock()
        self._events: Counter[str] = Counter()
        self._dead: Counter[str] = Counter(dict.fromkeys(REASONS, 0))  # every reason from the start: a rate needs the zero before the one
        self._publish_failures: Counter[str] = Counter()
        self._duplicates = 0
        self._corrections = 0
        self._late = 0
        self._lag: dict[tuple[str, int], int] = {}

    def add_events(self, topic: str, number: int) -> None:
        with self._lock:
            self._events[topic] += number

    def add_dead_letters(self, reason: str, number: int = 1) -> None:
        """`reason` is one of `streams.faults.REASONS`; another would be a label without bound, so it raises ValueError."""
        if reason not in REASONS:
            raise ValueError(f"reason: {reason!r} is not one of {', '.join(REASONS)}")
        with self._lock:
            self._dead[reason] += number

    def add_duplicates(self, number: int) -> None:
        with self._lock:
            self._duplicates += number

    def add_corrections(self, number: int) -> None:
        """Figures taken back: what a late or corrected event has changed in the past."""
        with self._lock:
            self._corrections += number

    def add_late(self, number: int) -> None:
        with self._lock:
            self._late += number

    def add_publish_failure(self, to: str) -> None:
        """A snapshot that could not be handed to `to` ("redis"); the next one replaces it."""
        with self._lock:
            self._publish_failures[to] += 1

    def set_lag(self, topic: str, partition: int, events: int) -> None:
        with self._lock:
            self._lag[topic, partition] = events

    def drop_lag(self, topic: str, partition: int) -> None:
        """The partition has gone to another worker: its series ends here."""
        with self._lock:
            self._lag.pop((topic, partition), None)

    def totals(self) -> tuple[dict[str, dict[str, int]], dict[tuple[str, int], int]]:
        """A consistent copy: totals by name and label value (`""` without a label), and the lag by topic and partition."""
        with self._lock:
            return {
                "events": dict(self._events),
                "dead_letters": dict(self._dead),
                "publish_failures": dict(self._publish_failures),
                "duplicates": {"": self._duplicates},
                "corrections": {"": self._corrections},
                "late_events": {"": self._late},
            }, dict(self._lag)
