"""Toxiproxy between workers and a broker: a network that can be cut, slowed down and left half open."""

import json
import os
import shutil
import subprocess
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.kafka_server import ServerUnavailable, free_port, wait_for_port

VERSION = "2.7.0"
"""The newest that Debian 12's Go builds."""
PROGRAM = Path(__file__).parents[2] / ".cache" / "toxiproxy" / VERSION / "server"


def program() -> Path:
    """The server, built by Go the first time."""
    if not PROGRAM.exists():
        if shutil.which("go") is None:
            raise ServerUnavailable("Toxiproxy is missing and so is Go, which builds it: apt-get install golang-go")
        package = f"github.com/Shopify/toxiproxy/v2/cmd/server@v{VERSION}"
        env = {**os.environ, "GOBIN": str(PROGRAM.parent), "GOFLAGS": ""}
        built = subprocess.run(["go", "install", package], env=env, capture_output=True, text=True, timeout=600)
        if built.returncode:
            raise ServerUnavailable(f"Toxiproxy {VERSION} could not be built:\n{built.stderr[-2000:]}")
    return PROGRAM


@dataclass
class Toxiproxy:
    """A running Toxiproxy, spoken to over its HTTP interface."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / "toxiproxy.log"
        with log.open("ab") as out:
            self.process = subprocess.Popen([str(program()), "-port", str(self.port)], stdout=out, stderr=out, start_new_session=True)
        wait_for_port(self.port, self.process, log, 10.0)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def connect(self, name: str, port: int, to: int) -> None:
        """A proxy that listens on `port` and passes on to `to`."""
        self._call("POST", "/proxies", name=name, listen=f"127.0.0.1:{port}", upstream=f"127.0.0.1:{to}")

    def cut(self, name: str) -> None:
        """Ends every connection and refuses new ones."""
        self._call("POST", f"/proxies/{name}", enabled=False)

    def spoil(self, name: str, kind: str, stream: str, **attributes: int) -> None:
        """Adds a toxic to what flows up to the broker or down from it."""
        self._call("POST", f"/proxies/{name}/toxics", type=kind, stream=f"{stream}stream", attributes=attributes)

    def mend(self) -> None:
        """Takes all toxics away and connects what was cut."""
        self._call("POST", "/reset")

    def _call(self, method: str, path: str, **body: Any) -> None:
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()
