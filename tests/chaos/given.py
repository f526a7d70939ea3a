"""What the workers are given: a centre in an outage with everything that is wrong with real deliveries, and what all of it comes to."""

import json
import random
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from agents.synthetic import stream
from streams.aggregator import Aggregator
from streams.events import TOPIC_OF, decode, encode, from_ms, make, pack
from streams.policy import DEFAULT
from streams.recording import Input
from streams.report import report
from streams.windows import Frame
from tests import weird
from tests.compared import recording_of
from tests.integration.centre import Sets
from tests.oracle import Oracle, differences

PARTITIONS = 4
LONG_EVENTS = 9_500
"""Events of one very long chat; 10,000 is what an interaction may have."""
Record = tuple[str, int | None, str, bytes]
"""Topic, partition or None for the key's, key, value."""
Rows = dict[tuple[str, str], dict[str, Any]]
"""(window, segment as JSON) → the KPIs of the row."""


@dataclass(frozen=True)
class Given:
    """Records in the order of their delivery, and what they come to."""

    seed: int
    records: list[Record]
    end: list[Record]
    """The recording's end, for every partition: it comes last."""
    at: int
    truth: Sets
    poison: set[bytes]
    faults: dict[str, int]
    """How many records have which fault."""
    lines: list[bytes]
    """Every distinct event once, as `firstline report` reads them."""


def make_given(seed: int, events: int, long_events: int = LONG_EVENTS) -> Given:
    """The input of a seed: calls, chats and tickets, one very long chat, contradictory interactions; then everything goes wrong."""
    rnd = random.Random(seed)
    faults: Counter[str] = Counter()
    lines = [record.value.rstrip() for record in islice(stream(seed, "outage", from_ms(weird.START)), events)]
    lines += _long_chat(rnd, long_events)
    lines += _weird(seed, faults)
    decoded = [(line, *decode(line)) for line in lines]
    truth: Sets = {}
    for _, subject, event in decoded:
        truth.setdefault(subject, set()).add(pack((event,)))
    foreign = {subject for subject in truth if rnd.random() < 0.05}  # their producer has another partitioner
    keyed = []
    for line, subject, event in decoded:
        place = zlib.crc32(subject.encode()) % PARTITIONS if subject in foreign else None
        keyed.append((event.time, (TOPIC_OF[event.type], place, subject, line)))
    faults["records of a producer with another partitioner"] = sum(record[1] is not None for _, record in keyed)
    flow = _delivered(rnd, keyed, faults)
    poison = {b'{"not": "an event", "n": %d}' % n for n in range(100)} | {b"\xff\x00", b"[]", b"{" * 3000, b'{"specversion":"1.0"}'}
    for value in sorted(poison):
        flow.insert(rnd.randrange(len(flow)), (rnd.choice(("calls", "chats", "tickets")), None, f"poison-{len(value)}", value))
    faults["poison records"] = len(poison)
    at = max(event.time for _, _, event in decoded) + 1_000
    ended = make("recording.ended", at, "end", "replay")
    end: list[Record] = [("control", partition, "recording", encode("recording", ended)) for partition in range(PARTITIONS)]
    truth["recording"] = {pack((ended,))}
    return Given(seed, flow, end, at, truth, poison, dict(faults), list(dict.fromkeys(lines)))


def _long_chat(rnd: random.Random, number: int) -> list[bytes]:
    begin = make("chat.started", weird.START, "0", "long", queue="service")
    times = sorted(rnd.randrange(1, 500_000) for _ in range(number))
    said = [
        make("chat.message", weird.START + t, f"{n + 1}", "long", author=rnd.choice(("customer", "agent"))) for n, t in enumerate(times)
    ]
    return [encode("chat-long", event) for event in (begin, *said)]


def _weird(seed: int, faults: Counter[str]) -> list[bytes]:
    """Contradictions, retractions and conflicts of ids; those at one instant are left out, since the oracle hashes otherwise."""
    seen: dict[tuple[str, str, str], dict[str, weird.Line]] = {}
    for line in weird.centre(seed, 150):
        ident = line["subject"], line["source"], line["id"]
        known = seen.setdefault(ident, {})
        if line["time"] not in known:
            faults["ids with several contents"] += len(known) == 1
            known[line["time"]] = line
    return weird.lines_of([line for known in seen.values() for line in known.values()])


def _delivered(rnd: random.Random, keyed: Sequence[tuple[int, Record]], faults: Counter[str]) -> list[Record]:
    """In the order of delivery: shuffled within some seconds, some late by minutes or last of all, some twice."""
    arrivals: list[tuple[float, Record]] = []
    for time, record in keyed:
        late = rnd.random()
        delay = rnd.uniform(0, 10_000) if late > 0.03 else rnd.uniform(60_000, 300_000) if late > 0.01 else 10_000_000
        arrivals.append((time + delay, record))
        faults["late records"] += late <= 0.03
        if rnd.random() < 0.1:
            arrivals.append((time + rnd.uniform(0, 300_000), record))
            faults["duplicates"] += 1
    return [record for _, record in sorted(arrivals, key=lambda arrival: arrival[0])]


def expected(given: Given, folder: Path) -> tuple[Rows, list[str]]:
    """The rows of `firstline report` at the end, for every window and segmentation of the shipped policy that live rows have, and where the
    DuckDB oracle differs from them."""
    policy = DEFAULT
    windows = {window.name: Frame(policy, given.at).window_start(window) for window in policy.windows}
    by = list(policy.row_segmentations)
    aggregators = [Aggregator(policy, given.at, [(start, given.at)], by) for start in windows.values()]
    report(recording_of(given.lines), aggregators[0], Input(), aggregators[1:])
    path = folder / f"given-{given.seed}.jsonl"
    path.write_bytes(b"\n".join(given.lines))
    oracle, at = Oracle([path], ""), from_ms(given.at).isoformat()
    rows: Rows = {}
    wrong: list[str] = []
    for number, ((name, start), aggregator) in enumerate(zip(windows.items(), aggregators, strict=True)):
        mine = aggregator.rows()
        live = [row for row in mine if policy.windows_of(tuple(row["segment"]))[number]]
        rows |= {(name, json.dumps(row["segment"])): row["kpis"] for row in live}
        theirs = oracle.figures(by=by, start=from_ms(start).isoformat(), at=at)
        wrong += [f"{name} {text}" for text in differences(mine, theirs)]
    return rows, wrong
