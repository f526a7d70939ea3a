"""A worker's own pages: `/metrics`, in Prometheus text or OpenMetrics, whichever the scraper asks for, `/healthz` and `/readyz`.

The metrics are made in a thread, one page at a time."""

import asyncio
import gzip

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from agents.health import Health
from agents.web import LOOPBACK_NAMES, guard, is_loopback, json, listen, secure

_GZIP_FROM = 4096
"""Bytes; below this packing costs more than it saves."""


def build(metrics: CollectorRegistry, health: Health | None = None, *, hosts: frozenset[str] | None = LOOPBACK_NAMES) -> web.Application:
    """The application over a registry and the health of the process. `hosts`: names it may be called by; None allows any."""
    of = health or Health()
    app = web.Application(middlewares=[guard(hosts, see="/metrics")])
    one_at_a_time = asyncio.Lock()

    async def page(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        packed = "gzip" in request.headers.get("Accept-Encoding", "")

        def produce() -> tuple[bytes, bool]:
            text = encode(metrics)
            return (gzip.compress(text, 1), True) if packed and len(text) >= _GZIP_FROM else (text, False)

        async with one_at_a_time:
            body, is_packed = await asyncio.to_thread(produce)
        headers = {"Content-Type": content_type, "Cache-Control": "no-store", "Vary": "Accept, Accept-Encoding"}
        if is_packed:
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=body, headers=headers)

    async def healthz(_request: web.Request) -> web.Response:
        body = of.liveness()
        return json(body, 200 if body["status"] == "ok" else 503)

    async def readyz(_request: web.Request) -> web.Response:
        body = of.readiness()
        return json(body, 503 if body["reasons"] else 200)

    app.on_response_prepare.append(secure)
    app.add_routes([web.get("/metrics", page), web.get("/healthz", healthz), web.get("/readyz", readyz)])
    return app


async def serve(
    metrics: CollectorRegistry, health: Health | None = None, *, host: str = "127.0.0.1", port: int = 9464
) -> tuple[web.AppRunner, str]:
    """Serve the pages; gives the runner and the URL of the metrics. Raises FirstlineError when the port is taken.

    Unlike the wallboard it may listen beyond this machine when told to: a Prometheus elsewhere must reach it, and it holds totals only."""
    hosts = LOOPBACK_NAMES if is_loopback(host) else None
    runner, url = await listen(build(metrics, health, hosts=hosts), host, port, option="--metrics-port")
    return runner, f"{url}/metrics"
