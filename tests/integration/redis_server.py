"""A real Redis for tests, without persistence."""

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis

from tests.integration.kafka_server import ServerUnavailable, free_port, wait_for_port


@dataclass
class RedisServer:
    """One server; `kill` loses its data."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Starts the server and waits until it listens."""
        if shutil.which("redis-server") is None:
            raise ServerUnavailable("redis-server is missing: apt-get install redis-server")
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / "redis.log"
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with log.open("ab") as out:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=out, stderr=out, start_new_session=True)
        wait_for_port(self.port, self.process, log, 10.0)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def flush(self) -> None:
        """Empties it."""
        with Redis.from_url(self.url) as client:
            client.flushall()
