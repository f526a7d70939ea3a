"""The JSON API: rows, segments, alerts, health. Shapes are those of INTERFACE; every answer says what instant it is true for."""

from typing import Any

from aiohttp import web

from agents.board import Board
from agents.board_views import Status
from agents.health import Health
from agents.wallboard.query import known_only, segment_of, segmentations_of, window_of
from agents.web import Refused, json
from streams.snapshot import Dims, SegmentKey, Values

BOARD = web.AppKey("board", Board)
HEALTH = web.AppKey("health", Health)


async def kpis(request: web.Request) -> web.Response:
    """One report row, with the instant, the state and the goals beside it."""
    board = request.app[BOARD]
    known_only(request.query, "segment", "window")
    status = _known(board)
    segment, window = segment_of(request.query, board), window_of(request.query, board)
    row = board.row(segment, window)
    if row is None:
        raise Refused(404, _why_no_row(board, segment, window))
    return json({**row, "goals": board.goals(segment), "at": status.at, "policy": status.policy, "state": status})


async def segments(request: web.Request) -> web.Response:
    """Every segment with the windows it has, in the order of the report; `by=queue` narrows to a segmentation."""
    board = request.app[BOARD]
    known_only(request.query, "by")
    status = _known(board)
    wanted = segmentations_of(request.query, board)
    found = sorted(((key, windows) for key, windows in board.segments().items() if not wanted or key[0] in wanted), key=_order)
    listed = [{"by": by, "segment": dict(zip(by, values, strict=True)), "windows": windows} for (by, values), windows in found]
    return json({"at": status.at, "windows": status.windows, "segments": listed})


async def alerts(request: web.Request) -> web.Response:
    """Every alert that is pending, firing or lately resolved."""
    board = request.app[BOARD]
    known_only(request.query)
    status = _known(board)
    return json({"at": status.at, "alerts": board.alerts(), "state": status})


async def healthz(request: web.Request) -> web.Response:
    """Alive: every task runs."""
    body = request.app[HEALTH].liveness()
    return json(body, 200 if body["status"] == "ok" else 503)


async def readyz(request: web.Request) -> web.Response:
    """Ready: nothing is missing and the figures are fresh. The reasons say what is waited for."""
    status = request.app[BOARD].status()
    reasons = request.app[HEALTH].reasons()
    if status.status == "starting":
        reasons.append("snapshot: none yet")
    elif status.stale_since:
        reasons.append(f"snapshot: stale since {status.stale_since}")
    elif status.rebuilding:
        reasons.append("recovery: figures are being rebuilt")
    body = {
        "status": "not ready" if reasons else "ready",
        "reasons": reasons,
        "complete": status.complete,
        "missing": status.missing,
        "at": status.at,
    }
    return json(body, 503 if reasons else 200)


def _known(board: Board) -> Status:
    status = board.status()
    if status.status == "starting":
        raise Refused(503, "snapshot: no figures yet; /readyz says what is waited for")
    return status


def _why_no_row(board: Board, segment: SegmentKey, window: str) -> str:
    windows = board.segments().get(segment)
    name = ",".join(f"{dim}:{value or ''}" for dim, value in zip(*segment, strict=True)) or "the whole centre"
    if windows is None:
        return f"segment: there is nothing known of {name!r}; /api/v1/segments lists what there is"
    return f"window: {name} has no {window!r}; it has {', '.join(windows)}"


def _order(item: tuple[tuple[Dims, Values], Any]) -> tuple[int, Dims, list[tuple[bool, str]]]:
    by, values = item[0]
    return len(by), by, [(value is not None, value or "") for value in values]
