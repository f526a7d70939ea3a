import re
import socket
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient

from agents.board import Board
from agents.health import Health
from agents.wallboard.server import STATIC, serve
from agents.web import is_loopback
from streams.errors import FirstlineError


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/api/v1/kpis", "/healthz", "/nothing"])
async def test_every_answer_carries_the_security_headers(client: TestClient, path: str) -> None:
    async with client.get(path) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == ("no-cache" if path in {"/", "/static/app.js"} else "no-store")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/static/app.js", "text/javascript"),
        ("/static/wallboard.css", "text/css"),
        ("/static/icon.svg", "image/svg+xml"),
    ],
)
async def test_the_page_and_its_parts_have_the_types_that_browsers_insist_on(client: TestClient, path: str, kind: str) -> None:
    async with client.get(path) as answer:
        assert answer.status == 200
        assert answer.content_type in {kind, kind.replace("text/javascript", "application/javascript")}


async def test_a_foreign_host_name_is_refused(client: TestClient) -> None:
    async with client.get("/api/v1/kpis", headers={"Host": "evil.example:8080"}) as answer:
        assert answer.status == 421
        assert (await answer.json())["error"] == "Host: 'evil.example:8080' is not served here; use http://127.0.0.1 or http://localhost"


async def test_writing_is_refused(client: TestClient) -> None:
    async with client.post("/api/v1/kpis") as answer:
        assert answer.status == 405
        assert await answer.json() == {"error": "method: POST is not allowed here; use GET, HEAD"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "board.example"])
async def test_an_address_beyond_this_machine_is_refused(host: str) -> None:
    with pytest.raises(FirstlineError, match=r"host: .* no logins yet; use 127.0.0.1"):
        await serve(Board(), Health(), host=host, port=0)


def test_loopback_addresses() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"))


async def test_a_taken_port_is_named_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(FirstlineError, match=rf"port {port} on 127.0.0.1 is already in use; choose another with --port"):
            await serve(Board(), Health(), port=port)


async def test_the_url_names_the_port_that_was_free() -> None:
    runner, url = await serve(Board(), Health(), port=0)
    await runner.cleanup()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d{4,5}", url)


def test_the_page_asks_nobody_else_and_has_no_inline_code() -> None:
    for file in Path(STATIC).iterdir():
        text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]", text), file.name
        assert "innerHTML" not in text, file.name
    page = (STATIC / "index.html").read_text("utf-8")
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*src=)", page)
