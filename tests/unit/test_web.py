"""What the servers say to those who do not speak HTTP, and of handlers that fail."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import web

from agents.web import json, listen


async def page(request: web.Request) -> web.Response:
    if request.query:
        raise ValueError("boom")
    return json({"well": True})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    app = web.Application()
    app.add_routes([web.get("/", page)])
    runner, url = await listen(app, "127.0.0.1", 0)
    yield int(url.rpartition(":")[2])
    await runner.cleanup()


async def answer(port: int, request: bytes) -> tuple[str, str, Any]:
    """Status line, head and body of the answer to these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    async with asyncio.timeout(10):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return head.decode().partition("\r\n")[0], head.decode(), msgspec.json.decode(body)


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (
            b"GET /?segment=" + b"a" * 8200 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "request: its first line or a header is longer than 8190 bytes; shorten it",
        ),
        (
            b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"a" * 8200 + b"\r\n\r\n",
            "request: its first line or a header is longer than 8190 bytes; shorten it",
        ),
        (b"FOO / HTTP/1.1\r\nHost: localhost\r\n\r\n", "method: it is unknown; use GET or HEAD, over http://"),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", "method: it is unknown; use GET or HEAD, over http://"),
        (
            b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 200 + b"\r\n",
            "request: it cannot be read; use a usual client, http:// and at most 128 headers",
        ),
    ],
)
async def test_what_is_no_request_is_answered_in_json_and_leaves_no_trace_in_the_log(
    port: int, caplog: pytest.LogCaptureFixture, request_: bytes, error: str
) -> None:
    status, head, body = await answer(port, request_)
    assert status.endswith("400 Bad Request")
    assert "Content-Type: application/json" in head
    assert "X-Content-Type-Options: nosniff" in head
    assert body == {"error": error}
    assert [record for record in caplog.records if record.levelno > logging.DEBUG or record.exc_info] == []


async def test_a_handler_that_fails_is_logged_and_tells_the_client_nothing_of_it(port: int, caplog: pytest.LogCaptureFixture) -> None:
    status, head, body = await answer(port, b"GET /?fail HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert status == "HTTP/1.1 500 Internal Server Error"
    assert "Content-Type: application/json" in head
    assert body == {"error": "server: this request failed; the log of the process says why"}
    assert [(record.levelname, str(record.exc_info and record.exc_info[1])) for record in caplog.records] == [("ERROR", "boom")]


async def test_a_request_is_answered_as_ever(port: int) -> None:
    status, _, body = await answer(port, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert (status, body) == ("HTTP/1.1 200 OK", {"well": True})
