"""A made-up centre for working on the page, for screenshots and for tests: `python -m agents.wallboard.sample` runs by itself."""

import argparse
import asyncio
import sys
import time
from typing import Any

from agents.board import Board
from agents.health import Health
from agents.wallboard.server import serve
from streams.calendar_time import rfc3339
from streams.snapshot import CENTRE, Alert, Histogram, Row, RowKey, SegmentKey, Snapshot

AT_MS = 1_794_213_903_000
"""2026-11-09T09:45:03+01:00, a Monday."""
ZONE = "Europe/Berlin"
_HOUR_MS = 3_600_000
_WINDOWS = {"5m": 300_000, "1h": _HOUR_MS, "today": 35_103_000}
# queue, offered, answered within the threshold, mean wait (s), waiting, longest wait (s), backlog, breaching soon
_QUEUES: tuple[tuple[str | None, int, int, float | None, int, float | None, int, int], ...] = (
    ("Billing", 412, 257, 41.3, 9, 97.0, 9, 4),
    ("Technical support", 655, 493, 26.8, 14, 143.0, 31, 6),
    ("Orders", 388, 321, 14.2, 2, 11.0, 2, 0),
    ("VIP", 41, 40, 6.1, 0, None, 0, 0),
    ("Returns", 120, 94, 19.7, 3, 22.5, 3, 1),
    ("Chat: web, app", 233, 205, 38.4, 5, 49.0, 12, 2),
    ("E-mail", 96, 88, 5411.0, 57, 13120.0, 188, 11),
    ("Sales", 301, 262, 11.9, 1, 4.0, 1, 0),
    ("Cancellations", 64, 45, 33.0, 2, 31.0, 2, 1),
    ("Night line", 0, 0, None, 0, None, 0, 0),
    ("Complaints", 37, 31, 18.3, 0, None, 6, 0),
    ("Partner desk", 58, 52, 12.7, 1, 15.0, 1, 0),
    ("Data protection and legal enquiries", 4, 4, 902.0, 0, None, 2, 0),
    (None, 12, 7, 55.0, 1, 61.0, 1, 1),
    ("Field service", 83, 71, 16.6, 0, None, 4, 0),
)


def ratio(numerator: float, n: float) -> dict[str, Any]:
    """A ratio's figure."""
    return {"value": numerator / n, "numerator": numerator, "n": n} if n else {"value": None, "n": 0}


def distribution(n: int, mean: float | None) -> dict[str, Any]:
    """A distribution's figure around a mean (s)."""
    if mean is None or not n:
        return {"value": None, "n": 0}
    return {"n": n, "sum": mean * n, "mean": mean, "p50": mean * 0.6, "p90": mean * 2.4, "p95": mean * 3.1, "max": mean * 9.0}


def row(
    segment: dict[str, str | None],
    window: str,
    at: int,
    figures: tuple[int, int, float | None, int, float | None, int, int],
) -> Row:
    """A report row from the columns of the table above."""
    offered, within, mean, waiting, longest, backlog, soon = figures
    missed = (offered - within) // 3
    kpis: dict[str, Any] = {
        "service_level": ratio(within, offered),
        "first_response_time": distribution(offered - missed, mean),
        "speed_of_answer": distribution(offered - missed, mean),
        "frt_breaches": {"value": offered - within},
        "offered": {"value": offered},
        "answered": {"value": offered - missed},
        "missed": {"value": missed},
        "missed_rate": ratio(missed, offered),
        "opened": {"value": offered},
        "resolved": {"value": max(0, offered - missed - backlog)},
        "waiting": {"value": waiting, "past_target": waiting // 3 if longest and longest > 20 else 0},
        "longest_wait": {"value": longest, "n": waiting},
        "backlog": {"value": backlog, "by_age": {"1h": backlog, "4h": 0, "1d": 0, "7d": 0, "older": 0}},
        "breaching_soon": {"value": soon},
        "net_flow": {"value": float(missed - backlog)},
    }
    start = rfc3339(at - _WINDOWS[window], ZONE)
    return {"segment": segment, "start": start, "end": rfc3339(at, ZONE), "window": window, "kpis": kpis}


def alert(ident: str, name: str, severity: str, state: str, *, segment: dict[str, str | None], since: int, detail: str) -> Alert:
    """An alert object; `detail` is the second line of its summary."""
    return {
        "id": ident, "name": name, "severity": severity, "state": state, "segment": segment, "since": rfc3339(since, ZONE), "until": None,
        "value": 41.3, "target": 20.0, "n": 412, "summary": f"{name}\n{detail}", "acknowledged_by": None, "runbook": None,
    }  # fmt: skip


def snapshot(at: int = AT_MS, tick: int = 1, **changes: Any) -> Snapshot:
    """The whole sample centre at an instant; `changes` replace fields of the snapshot."""
    rows: dict[RowKey, Row | None] = {}
    goals: dict[SegmentKey, dict[str, float]] = {CENTRE: {"service_level": 0.8}}
    counters: dict[SegmentKey, dict[str, float]] = {}
    histogram: dict[SegmentKey, Histogram] = {}
    centre = (2504, 1970, 24.6, 95, 13120.0, 262, 26)
    segments: list[tuple[SegmentKey, Any]] = [(CENTRE, centre)]
    for name, *figures in _QUEUES:
        segments.append(((("queue",), (name,)), tuple(figures)))
    segments.append(((("agent",), ("ann",)), (40, 33, 18.0, 0, None, 0, 0)))
    segments.append(((("queue", "priority"), ("Billing", "1")), (12, 6, 44.0, 1, 97.0, 1, 1)))
    for key, figures in segments:
        by, values = key
        segment = dict(zip(by, values, strict=True))
        for window in _WINDOWS if by != ("agent",) else ("1h", "today"):
            rows[RowKey(by, values, window)] = row(segment, window, at, figures)
        answered = figures[0] - (figures[0] - figures[1]) // 3
        counters[key] = {
            "offered": figures[0], "answered": answered, "answered_within_target": figures[1],
            "missed": figures[0] - answered, "first_response_breaches": figures[0] - figures[1],
        }  # fmt: skip
        counts = [figures[1], answered - figures[1]]
        histogram[key] = {"edges": [20.0, 60.0], "counts": counts, "sum": (figures[2] or 0.0) * answered, "count": answered}
        if by == ("queue",):
            slow = values[0] in {"E-mail", "Data protection and legal enquiries"}
            goals[key] = {"service_level": 0.8, "first_response_time": 14_400.0 if slow else 20.0}
    alerts = [
        alert("a1", "first_response_time_breach", "page", "firing", segment={"queue": "Billing"}, since=at - 720_000,
              detail="mean 41.3 s, target 20 s, over 5m, n 38, since 09:33:03"),
        alert("a2", "service_level_below_goal", "ticket", "firing", segment={"queue": "Technical support"}, since=at - 2_400_000,
              detail="75.3 %, goal 80 %, over 1h, n 655, since 09:05:03"),
        alert("a3", "backlog_growing", "info", "pending", segment={}, since=at - 40_000, detail="262, limit 250, since 09:44:23"),
        alert("a4", "missed_rate_high", "ticket", "resolved", segment={"queue": "VIP"}, since=at - 3_000_000, detail="resolved"),
    ]  # fmt: skip
    spans = {window: (rfc3339(at - ms, ZONE), rfc3339(at, ZONE)) for window, ms in _WINDOWS.items()}
    whole = Snapshot(
        at=at, tick=tick, policy="sample", changed=rows, full=True, alerts=alerts, counters=counters, histogram=histogram, goals=goals,
        spans=spans, windows=tuple(_WINDOWS), time_zone=ZONE,
    )  # fmt: skip
    return whole if not changes else _replace(whole, changes)


def _replace(whole: Snapshot, changes: dict[str, Any]) -> Snapshot:
    fields = {name: getattr(whole, name) for name in whole.__struct_fields__}
    return Snapshot(**{**fields, **changes})


async def _run(port: int) -> None:
    board = Board()
    _, url = await serve(board, Health(), port=port)
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    tick = 0
    while True:
        tick += 1
        board.publish(snapshot(time.time_ns() // 1_000_000, tick))
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8080)
    asyncio.run(_run(parser.parse_args().port))
