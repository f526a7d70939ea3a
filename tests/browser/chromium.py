"""A headless Chromium over its DevTools protocol: open a page, ask it things, take a picture. No browser library needed."""

import asyncio
import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-port=0",
)  # fmt: skip


def required() -> str:
    """The browser's path; without one the test is skipped, in CI it fails."""
    found = shutil.which("chromium")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is not installed; in CI the page must be tested")
        pytest.skip("chromium is not installed")
    return found


class Page:
    """One page. What it logs, throws or is refused is collected in `complaints`; the addresses it asks for in `requests`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self.complaints: list[str] = []
        self.requests: list[str] = []

    async def listen(self) -> None:
        async for message in self._socket:
            data = json.loads(message.data)
            if "id" in data:
                self._waiting.pop(data["id"]).set_result(data)
            elif data["method"] in {"Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"}:
                self.complaints.append(json.dumps(data["params"]))
            elif data["method"] == "Network.requestWillBeSent":
                self.requests.append(data["params"]["request"]["url"])

    async def call(self, method: str, **params: Any) -> Any:
        self._number += 1
        future = self._waiting[self._number] = asyncio.get_running_loop().create_future()
        await self._socket.send_str(json.dumps({"id": self._number, "method": method, "params": params}))
        answer = await asyncio.wait_for(future, 30)
        assert "error" not in answer, answer
        return answer["result"]

    async def open(self, url: str, width: int = 1920, height: int = 1080, scheme: str = "dark") -> None:
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.call(f"{domain}.enable")
        await self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        await self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        await self.call("Page.navigate", url=url)

    async def ask(self, expression: str) -> Any:
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, expression: str, timeout_s: float = 20.0) -> Any:
        """The value of the expression as soon as it is truthy; while the page is still being built it may fail."""
        value = None
        guarded = f"(() => {{ try {{ return {expression} }} catch {{ return null }} }})()"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not (value := await self.ask(guarded)):
                    await asyncio.sleep(0.1)
        assert value, f"{expression} never came true; the page shows:\n{await self.ask('document.body.innerText')}\n{self.complaints}"
        return value

    async def picture(self, path: Path) -> None:
        answer = await self.call("Page.captureScreenshot", captureBeyondViewport=False)
        path.write_bytes(base64.b64decode(answer["data"]))


@contextlib.asynccontextmanager
async def chromium(profile: Path) -> AsyncIterator[Page]:
    """A browser with one empty page; ended with all its children."""
    log = (profile.parent / "chromium.log").open("wb")
    process = subprocess.Popen(
        [required(), *FLAGS, f"--user-data-dir={profile}", "about:blank"], stdout=log, stderr=log, start_new_session=True
    )
    try:
        port = await _port(profile / "DevToolsActivePort", process)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                target = next(each for each in await answer.json() if each["type"] == "page")
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                page = Page(socket)
                listening = asyncio.create_task(page.listen(), name="devtools")
                try:
                    yield page
                finally:
                    listening.cancel()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()


async def _port(file: Path, process: subprocess.Popen[bytes]) -> int:
    for _ in range(300):
        if file.exists() and (lines := file.read_text().splitlines()):
            return int(lines[0])
        assert process.poll() is None, f"chromium ended with {process.returncode}"
        await asyncio.sleep(0.1)
    raise AssertionError("chromium did not open its debugging port within 30 s")
