"""What the API of a live centre says, and the same rows from a report of the recording."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from agents.bad_lines import BadLines
from agents.recordings import Reader
from streams.aggregator import Aggregator
from streams.calendar_time import from_rfc3339
from streams.policy import Policy
from streams.recording import Input, Recording
from streams.report import report


def get(url: str, path: str) -> Any:
    with urllib.request.urlopen(url + path, timeout=10) as answer:
        return json.load(answer)


def wait_until_final(url: str, seconds: float) -> dict[str, Any]:
    """The whole centre's row once the recording's final state is there."""
    until = time.monotonic() + seconds
    last: Any = None
    while time.monotonic() < until:
        try:
            last = get(url, "/api/v1/kpis?window=week")
            if last["state"]["status"] == "final":
                return last
        except (urllib.error.URLError, ConnectionError, KeyError, TimeoutError) as exc:
            last = exc
        time.sleep(0.5)
    raise AssertionError(f"no final state within {seconds} s; last answer: {str(last)[:500]}")


MOST_SEGMENTS = 150


def live_rows(url: str) -> Iterable[tuple[dict[str, Any], str, dict[str, Any]]]:
    """(segment, window, row) of every row of the API; of very many segments (the chat recording has thousands of nicks) an even choice."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)  # one for all: there are a thousand rows

    def fetch(path: str) -> Any:
        connection.request("GET", path)
        return json.load(connection.getresponse())

    segments = fetch("/api/v1/segments")["segments"]
    step = max(1, len(segments) // MOST_SEGMENTS)
    for known in segments[::step]:
        segment = ",".join(f"{quote(name)}:{quote(value or '')}" for name, value in known["segment"].items())
        for window in known["windows"]:
            yield known["segment"], window, fetch(f"/api/v1/kpis?window={window}" + (f"&segment={segment}" if segment else ""))
    connection.close()


def load(path: Path, policy: Policy) -> Recording:
    def refuse(text: str) -> None:
        raise AssertionError(text)

    return Reader([path], policy.clock, BadLines(refuse, None, False)).load()


def differences(url: str, recording: Recording, policy: Policy) -> tuple[int, list[str]]:
    """How many rows were compared, and every row of the API that differs from `report --from start --at end` of its own span."""
    by_end: dict[int, dict[int, list[tuple[dict[str, Any], str, dict[str, Any]]]]] = defaultdict(lambda: defaultdict(list))
    for segment, window, row in live_rows(url):
        by_end[from_rfc3339(row["end"])][from_rfc3339(row["start"])].append((segment, window, row))
    compared, out = 0, []
    for end, by_start in by_end.items():
        segmentations = list(dict.fromkeys(tuple(segment) for rows in by_start.values() for segment, _, _ in rows))
        aggregators = [Aggregator(policy, end, [(start, end)], segmentations) for start in by_start]
        report(recording, aggregators[0], Input(), aggregators[1:])
        for rows, aggregator in zip(by_start.values(), aggregators, strict=True):
            expected = {json.dumps(row["segment"]): row["kpis"] for row in aggregator.rows()}
            for segment, window, row in rows:
                compared += 1
                kpis = expected.get(json.dumps(segment))
                if kpis is None:
                    out.append(f"{window} {segment}: not in the report")
                elif kpis != row["kpis"]:
                    wrong = [f"{name}: {row['kpis'][name]}, report {kpis[name]}" for name in kpis if kpis[name] != row["kpis"].get(name)]
                    out.append(f"{window} {segment} [{row['start']}, {row['end']}): {'; '.join(wrong[:4])}")
    return compared, out
