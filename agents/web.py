"""What the HTTP servers share: where they may listen, a port already taken, JSON and its errors, security headers."""

import asyncio
import errno
import ipaddress
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import BadHttpMethod, LineTooLong
from aiohttp.typedefs import Handler, Middleware

from streams.errors import FirstlineError

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
_SHUTDOWN_S = 2.0
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Refused(FirstlineError):
    """A request that cannot be served: the message names the field and the remedy."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def is_loopback(host: str) -> bool:
    """Whether an address to listen on can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def require_loopback(host: str) -> None:
    """Raises FirstlineError for an address other machines can reach: there are no logins yet."""
    if not is_loopback(host):
        raise FirstlineError(
            f"host: {host!r} can be reached from other machines, and the wallboard has no logins yet; "
            "use 127.0.0.1 and let an authenticating proxy or an SSH tunnel on this machine forward to it"
        )


async def listen(app: web.Application, host: str, port: int, *, option: str = "--port") -> tuple[web.AppRunner, str]:
    """Serve `app`; gives the runner (`await runner.cleanup()` ends it) and the URL. Port 0 takes any free one.

    Raises FirstlineError naming the port and the `option` to change when it is taken or may not be used."""
    runner = _Runner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as exc:
        await runner.cleanup()
        known = {errno.EADDRINUSE: "is already in use", errno.EACCES: "may not be used by this user"}
        why = known.get(exc.errno or 0, f"cannot be opened ({exc.strerror})")
        raise FirstlineError(f"port {port} on {host} {why}; choose another with {option}") from exc
    shown = f"[{host}]" if ":" in host else host
    return runner, f"http://{shown}:{runner.addresses[0][1]}"


def json(data: Any, status: int = 200) -> web.Response:
    """A JSON answer that no cache keeps."""
    return web.Response(
        body=msgspec.json.encode(data), status=status, content_type="application/json", headers={"Cache-Control": "no-store"}
    )


class _Connection(web.RequestHandler):
    """What cannot be read as a request is the client's fault: it is answered in JSON, and no traceback of it goes to the log."""

    __slots__ = ()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        if status >= 500:
            super().handle_error(request, status, exc, message)  # which logs it
            error = "server: this request failed; the log of the process says why"
        else:
            self.logger.debug("No request from %s: %s", request.remote, type(exc).__name__)
            error = _unreadable(exc)
        response = json({"error": error}, status)
        response.headers.update(_HEADERS)  # no application has seen the request, so `secure` does not see the answer
        response.force_close()
        return response


def _unreadable(exc: BaseException | None) -> str:
    if isinstance(exc, LineTooLong):
        return "request: its first line or a header is longer than 8190 bytes; shorten it"
    if isinstance(exc, BadHttpMethod):
        return "method: it is unknown; use GET or HEAD, over http://"
    return "request: it cannot be read; use a usual client, http:// and at most 128 headers"


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=asyncio.get_running_loop(), access_log=None)  # type: ignore[arg-type]


class _Runner(web.AppRunner):
    """Serves an application through connections of our own, for which aiohttp has no option."""

    __slots__ = ()

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(made.request_handler, request_factory=made.request_factory)


def _host_of(request: web.Request) -> str:
    host = request.headers.get("Host", "").lower()
    return host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.rpartition(":")[0] or host


def guard(hosts: frozenset[str] | None, *, see: str) -> Middleware:
    """Middleware: JSON errors and, for `hosts`, a check of the Host header. `see` is what there is, for who asks for what there is not.

    Without it a page on the internet could read a loopback server by pointing its own name at 127.0.0.1 (DNS rebinding)."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if hosts is not None and _host_of(request) not in hosts:
            host = request.headers.get("Host", "")
            return json({"error": f"Host: {host!r} is not served here; use http://127.0.0.1 or http://localhost"}, 421)
        try:
            return await handler(request)
        except Refused as exc:
            return json({"error": str(exc)}, exc.status)
        except (web.HTTPNotFound, web.HTTPForbidden):  # forbidden: a folder
            return json({"error": f"path: there is nothing at {request.path!r}; see {see}"}, 404)
        except web.HTTPMethodNotAllowed as exc:
            return json({"error": f"method: {request.method} is not allowed here; use {', '.join(sorted(exc.allowed_methods))}"}, 405)

    return middleware


async def secure(_request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler for `on_response_prepare`: headers of every answer, streams included."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-cache")
