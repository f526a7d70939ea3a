"""Holding live rows against the log: the rows of an instant are made anew from the events that were in them, as a report makes them.

What differs is looked at again in later rows, and told only if it differs each time: just after a partition has changed hands its
ledger may hold events beyond the offsets that its new owner has read.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from agents.intake import believed, misplaced, read
from agents.live_rows import Heard, LiveRows, listen
from agents.settings import Settings
from agents.topic_reader import Place, TopicReader
from streams.aggregator import Aggregator
from streams.calendar_time import from_rfc3339
from streams.errors import FirstlineError, PolicyError
from streams.events import INTERACTION_TOPICS
from streams.faults import EventFault
from streams.policy import Policy
from streams.recording import Input, Recording
from streams.report import report
from streams.segments import OTHER
from streams.snapshot import Row, SegmentKey

ATTEMPTS = 3
MOST_INSTANTS = 5
"""Instants that rows are made anew for: each costs about as much as a report of the whole log."""


class NothingLiveError(FirstlineError):
    """There are no live rows to verify; the message says why not and what to do."""


class Difference(NamedTuple):
    """A figure, such as `service_level.variants.ignored`, that is not what the log gives. None: that side has no such figure, or row."""

    segment: SegmentKey
    window: str
    start: str
    end: str
    figure: str
    live: Any
    recomputed: Any


@dataclass
class Verified:
    """What a verification found. `left_out` are segments whose rows were not published within the time."""

    instants: list[int] = field(default_factory=list)
    rows: int = 0
    figures: int = 0
    segments: int = 0
    left_out: list[SegmentKey] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    expired: dict[Place, int] = field(default_factory=dict)
    """Source partitions that have dropped their oldest events, and where they begin now."""


@dataclass(frozen=True)
class Wanted:
    """Which rows to verify; None and empty: all."""

    by: Collection[tuple[str, ...]] = ()
    window: str | None = None

    def has(self, segment: SegmentKey) -> bool:
        return not self.by or segment[0] in self.by


class Verifier:
    """Verifies the rows of running workers. `advance(records)` is told of what is read, `reading(records)` of how many there will be."""

    def __init__(
        self, settings: Settings, policy: Policy, partitions: int, wanted: Wanted, patience_s: float, advance: Callable[[int], object]
    ) -> None:
        self._settings, self._policy, self._partitions = settings, policy, partitions
        self._wanted, self._patience_s, self._advance = wanted, patience_s, advance

    def run(self) -> Verified:
        """Raises `NothingLiveError` and `ReadingFailedError`, and `PolicyError` if the rows are of another policy."""
        found = self._attempt()
        for _ in range(ATTEMPTS - 1):
            if not found.differences:
                break
            again = self._attempt()
            still, unseen = {_figure(each): each for each in again.differences}, set(again.left_out)
            found.differences = [
                still.get(_figure(each), each) for each in found.differences if _figure(each) in still or each.segment in unseen
            ]
        return found

    def _attempt(self) -> Verified:
        def asked(live: LiveRows) -> list[SegmentKey]:
            return [segment for segment in live.rows if self._wanted.has(segment)]

        def enough(live: LiveRows) -> bool:
            return bool(asked(live)) and all(live.known(segment) for segment in asked(live))

        live = listen(self._settings, self._partitions, enough, self._patience_s)
        chosen = choose({segment: live.known(segment) for segment in asked(live)})
        if not chosen:
            raise NothingLiveError(self._why_nothing(live))
        out = Verified(instants=sorted(chosen))
        out.left_out = sorted(set(asked(live)) - {segment for rows in chosen.values() for segment in rows}, key=repr)
        overflowed = any(values[:1] == (OTHER,) for _, values in live.rows)
        for at, recording in self._recordings({at: live.positions[at] for at in chosen}, out):
            self._compare(at, chosen[at], recording, out, None if overflowed else set(live.rows))
        return out

    def _why_nothing(self, live: LiveRows) -> str:
        if not live.workers:
            return f"no worker was heard of for {self._patience_s:.0f} s; start one, or check FIRSTLINE_TOPIC_PREFIX and the brokers"
        return (
            f"within {self._patience_s:.0f} s there was no row of which the workers said what is in it; wait until they are ready and run "
            "the same release, then try again, with a longer --patience"
        )

    def _recordings(self, positions: Mapping[int, Mapping[Place, int]], out: Verified) -> Iterator[tuple[int, Recording]]:
        """Each instant with the events that its rows are made of. An instant's recording is the one before with more added."""
        instants = sorted(positions)
        reader = TopicReader(self._settings.brokers, [self._settings.topic(name) for name in INTERACTION_TOPICS])
        bounds = {
            (self._settings.topic(topic), partition): [positions[at][topic, partition] for at in instants]
            for topic, partition in positions[instants[0]]
        }
        reader.begin({}, {place: offsets[-1] for place, offsets in bounds.items()})
        out.expired = {place: start for place, start in reader.starts.items() if start}
        clock = believed(self._policy.clock, self._settings.clock)
        added: list[list[tuple[str, Any]]] = [[] for _ in instants]
        for records in reader:
            for record in records:
                try:
                    subject, event = read(record, clock)
                except EventFault:
                    continue  # a dead letter
                if event.type != "recording.ended" and misplaced(subject, record.partition, self._partitions) is None:
                    added[bisect_right(bounds[record.topic, record.partition], record.offset)].append((subject, event))
            self._advance(len(records))
        recording = Recording()
        for at, events in zip(instants, added, strict=True):
            for subject, event in events:
                recording.add(subject, event)
            yield at, recording

    def _compare(
        self, at: int, live: Mapping[SegmentKey, Heard], recording: Recording, out: Verified, all_known: set[SegmentKey] | None
    ) -> None:
        rows: dict[int, dict[tuple[SegmentKey, str], Row]] = defaultdict(dict)
        for segment, heard in live.items():
            if heard.policy != self._policy.version:
                raise PolicyError(
                    f"--policy: the live rows are of policy {heard.policy!r}, not {self._policy.version!r}; give the file of the workers"
                )
            out.segments += 1
            for row in heard.rows:
                if self._wanted.window in (None, row["window"]):
                    rows[from_rfc3339(row["start"])][segment, row["window"]] = row
        dims = list(dict.fromkeys(segment[0] for segment in live))
        sums = [Aggregator(self._policy, at, [(start, at)], dims) for start in rows]
        if not sums:
            return
        report(recording, sums[0], Input(), sums[1:])
        for (_, of_start), aggregator in zip(rows.items(), sums, strict=True):
            made = {(tuple(row["segment"]), tuple(row["segment"].values())): row["kpis"] for row in aggregator.each_row()}
            for (segment, window), row in of_start.items():
                if segment not in made and segment[1][:1] == (OTHER,):  # the sum of those beyond the policy's max_segments
                    continue
                out.rows += 1
                figures = dict(flat(made.get(segment, {})))
                out.figures += len(figures)
                for name, theirs, ours in unlike(dict(flat(row["kpis"])), figures):
                    out.differences.append(Difference(segment, window, row["start"], row["end"], name, theirs, ours))
            for segment in made.keys() - (made.keys() if all_known is None else all_known):
                _, window = next(iter(of_start))
                row = next(iter(of_start.values()))
                for name, value in flat(made[segment]):
                    if value and name.endswith((".n", ".value")):  # a row of nothing is not missed
                        out.differences.append(Difference(segment, window, row["start"], row["end"], name, None, value))


def _figure(of: Difference) -> tuple[SegmentKey, str, str]:
    return of.segment, of.window, of.figure


def choose(known: Mapping[SegmentKey, Mapping[int, Heard]]) -> dict[int, dict[SegmentKey, Heard]]:
    """Few instants at which, together, most segments have rows; each segment once."""
    out: dict[int, dict[SegmentKey, Heard]] = {}
    left = {segment: rows for segment, rows in known.items() if rows}
    while left and len(out) < MOST_INSTANTS:
        having: dict[int, int] = defaultdict(int)
        for rows in left.values():
            for at in rows:
                having[at] += 1
        best = max(having, key=lambda at: (having[at], at))
        out[best] = {segment: rows[best] for segment, rows in left.items() if best in rows}
        left = {segment: rows for segment, rows in left.items() if best not in rows}
    return out


def flat(kpis: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every number of a row's KPIs with its path, as JSON has it."""
    if isinstance(kpis, Mapping):
        for key, value in kpis.items():
            yield from flat(value, f"{name}.{key}" if name else str(key))
    else:
        yield name, msgspec.json.decode(msgspec.json.encode(kpis))


def unlike(live: Mapping[str, Any], recomputed: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Figures that are not the same on both sides."""
    for name in dict.fromkeys((*recomputed, *live)):
        if live.get(name) != recomputed.get(name):
            yield name, live.get(name), recomputed.get(name)
