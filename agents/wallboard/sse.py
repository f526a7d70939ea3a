"""The live stream: server-sent events with the whole state once and then the changed rows.

Frames: `state` (everything subscribed to), `delta` (what changed since the id before), `status` (no new figures, but they are stale now)
and `heartbeat` after ten silent seconds, an event rather than a comment so that the page can tell a dead connection from a quiet centre.
An id is board, sequence number and subscription: after a reconnect comes the delta since then, or the whole state where the id means
nothing here.
"""

import asyncio
import zlib
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from agents.board import Board
from agents.wallboard.api import BOARD
from agents.wallboard.query import known_only, segment_of, segmentations_of, window_of
from agents.web import Refused
from streams.snapshot import Dims, Row, RowKey, SegmentKey

HEARTBEAT_S = 10.0
RETRY_MS = 2000
MAX_VIEWERS = 500
_STUCK_S = 30.0
"""A viewer that takes nothing for this long is cut off; its browser comes back by itself."""
_MAX_SLEEP_S = 60.0


class Subscription(NamedTuple):
    """What one page shows: the row of a segment, all rows of some segmentations, one window, some KPIs (none: all)."""

    segment: SegmentKey
    bys: tuple[Dims, ...]
    window: str
    kpis: tuple[str, ...]

    @property
    def tag(self) -> str:
        return f"{zlib.crc32(repr(tuple(self)).encode()):08x}"


class Frame(NamedTuple):
    """A serialised frame, the sequence number it leads to and the status word it shows."""

    seq: int
    shown: str
    data: bytes


class Frames:
    """Frames by subscription: serialised once, however many viewers share it."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._seq = -1
        self._cache: dict[tuple[Subscription, int | None], Frame] = {}

    def since(self, sub: Subscription, since: int | None) -> Frame:
        """The frame that leads from `since` (None: from nothing) to the newest state."""
        if self._seq != self._board.seq:
            self._cache.clear()
            self._seq = self._board.seq
        frame = self._cache.get((sub, since))
        if frame is None:
            frame = self._cache[sub, since] = self._frame(sub, since)
        return frame

    def _frame(self, sub: Subscription, since: int | None) -> Frame:
        change = self._board.changes(since, [RowKey(*sub.segment, sub.window)], [(by, sub.window) for by in sub.bys])
        status = self._board.status()
        data: dict[str, Any] = {
            "state": status,
            "window": sub.window,
            "rows": [_shown(row, sub.kpis, change.goals.get((key.by, key.values), {})) for key, row in change.rows.items()],
            "removed": [dict(zip(key.by, key.values, strict=True)) for key in change.removed],
        }
        if change.alerts_changed or change.since is None:
            data["alerts"] = change.alerts
        event = "state" if change.since is None else "delta"
        return Frame(change.seq, status.status, frame_of(event, data, f"{self._board.epoch}-{change.seq}-{sub.tag}"))


def _shown(row: Row, kpis: tuple[str, ...], goals: dict[str, float]) -> Row:
    figures = {name: row["kpis"][name] for name in kpis if name in row["kpis"]} if kpis else row["kpis"]
    return {**row, "kpis": figures, "goals": goals}


def frame_of(event: str, data: Any, ident: str | None = None) -> bytes:
    """One server-sent event. JSON has no line break, so one data line is enough."""
    head = f"id: {ident}\n" if ident else ""
    return f"{head}event: {event}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"


def resumed_from(ident: str | None, sub: Subscription, board: Board) -> int | None:
    """The sequence number in a Last-Event-ID; None when it is absent, unknown, or of another board or subscription."""
    epoch, _, rest = (ident or "").partition("-")
    number, _, tag = rest.partition("-")
    if epoch != board.epoch or tag != sub.tag or not (number.isascii() and number.isdigit()):
        return None
    return int(number) if int(number) <= board.seq else None


class Stream:
    """The handler of `/api/v1/stream` and the viewers it serves."""

    def __init__(self, board: Board, *, heartbeat_s: float = HEARTBEAT_S, max_viewers: int = MAX_VIEWERS) -> None:
        self._frames = Frames(board)
        self._heartbeat_s = heartbeat_s
        self._max_viewers = max_viewers
        self._viewers: set[asyncio.Task[Any]] = set()
        self._closing = False

    @property
    def viewers(self) -> int:
        return len(self._viewers)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Stream until the viewer goes or the server ends."""
        board = request.app[BOARD]
        known_only(request.query, "segment", "by", "window", "kpi")
        kpis = tuple(sorted({name for text in request.query.getall("kpi", []) for name in text.split(",") if name}))
        sub = Subscription(segment_of(request.query, board), segmentations_of(request.query, board), window_of(request.query, board), kpis)
        if len(self._viewers) >= self._max_viewers:
            raise Refused(503, f"viewers: {self._max_viewers} pages are open already; close some or run another wallboard")
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        task = asyncio.current_task()
        assert task is not None
        self._viewers.add(task)
        try:
            await response.prepare(request)
            await self._serve(response, board, sub, resumed_from(request.headers.get("Last-Event-ID"), sub, board))
        except (ConnectionResetError, TimeoutError):
            pass  # the viewer has gone or takes nothing: not an error of ours, and its browser reconnects
        except asyncio.CancelledError:
            if not self._closing:
                raise
            task.uncancel()  # by `close`: the response is to end as a complete one
        finally:
            self._viewers.discard(task)
        return response

    async def _serve(self, response: web.StreamResponse, board: Board, sub: Subscription, since: int | None) -> None:
        clock = asyncio.get_running_loop().time
        await _write(response, f"retry: {RETRY_MS}\n\n".encode())
        shown = ""
        beat = clock() + self._heartbeat_s
        while True:
            frame = b""
            status = board.status()
            if since is None or board.seq > since:
                # A shared frame may be older than the moment its figures became stale: `shown` is what it says, the next turn corrects it.
                since, shown, frame = self._frames.since(sub, since)
            elif status.status != shown:
                shown = status.status
                frame = frame_of("status", {"state": status})
            elif clock() >= beat:
                frame = frame_of("heartbeat", {"at": status.at})
            if frame:
                await _write(response, frame)
                beat = clock() + self._heartbeat_s
            stale_in = board.stale_in() if shown != "stale" else None
            await board.newer_than(since, max(0.01, min(beat - clock(), _MAX_SLEEP_S if stale_in is None else stale_in)))

    async def close(self, _app: web.Application) -> None:
        """Let go of every viewer, so that the server can end."""
        self._closing = True
        viewers = list(self._viewers)
        for task in viewers:
            task.cancel()
        if viewers:
            await asyncio.wait(viewers, timeout=1.0)


async def _write(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(_STUCK_S):
        await response.write(data)
