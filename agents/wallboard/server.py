"""The wallboard's web server: the page, the API, the stream and the health of the process."""

from pathlib import Path

from aiohttp import web

from agents.board import Board
from agents.health import Health
from agents.wallboard import api
from agents.wallboard.sse import Stream
from agents.web import LOOPBACK_NAMES, guard, listen, require_loopback, secure

STATIC = Path(__file__).parent / "static"
STREAM = web.AppKey("stream", Stream)


def build(board: Board, health: Health, *, stream: Stream | None = None, hosts: frozenset[str] | None = LOOPBACK_NAMES) -> web.Application:
    """The application over a board. `hosts`: names it may be called by in the Host header; None allows any (tests)."""
    app = web.Application(middlewares=[guard(hosts, see="/ and /api/v1/segments")])
    app[api.BOARD] = board
    app[api.HEALTH] = health
    app[STREAM] = stream = stream or Stream(board)
    app.on_response_prepare.append(secure)
    app.on_shutdown.append(stream.close)
    app.add_routes(
        [
            web.get("/", _page),
            web.get("/api/v1/kpis", api.kpis),
            web.get("/api/v1/segments", api.segments),
            web.get("/api/v1/alerts", api.alerts),
            web.get("/api/v1/stream", stream.handle),
            web.get("/healthz", api.healthz),
            web.get("/readyz", api.readyz),
            web.static("/static", STATIC),
        ]
    )
    return app


async def serve(board: Board, health: Health, *, host: str = "127.0.0.1", port: int = 8080) -> tuple[web.AppRunner, str]:
    """Serve the wallboard; gives the runner and the URL. Raises FirstlineError beyond loopback or when the port is taken."""
    require_loopback(host)
    return await listen(build(board, health, hosts=LOOPBACK_NAMES | {host.lower()}), host, port)


async def _page(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC / "index.html")
