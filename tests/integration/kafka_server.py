"""A real Apache Kafka for tests: one KRaft node from Maven Central's jars, in a folder of its own."""

import os
import shutil
import socket
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

VERSION = "4.1.1"
CACHE = Path(__file__).parents[2] / ".cache" / "kafka"
START_SECONDS = 60.0

_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>firstline</groupId><artifactId>kafka-for-tests</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
  </dependencies>
</project>
"""

# Small and quick: groups settle at once, compaction and expiry happen within a test. A broker that was killed is taken back after 2 s.
_PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={advertised}
listener.security.protocol.map={security}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={folder}/data
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.backoff.ms=1000
"""


class ServerUnavailable(Exception):
    """A server that tests need cannot run here; the message says what is missing."""


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    """Waits until a server listens. Raises `ServerUnavailable` with the end of its log if it ends or takes too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as s:
            s.settimeout(0.2)
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    process.kill()
    raise ServerUnavailable(f"server did not start within {seconds:.0f} s:\n{log.read_text(errors='replace')[-2000:]}")


def jars() -> Path:
    """The folder with Kafka's jars, fetched from Maven Central the first time (43 MB)."""
    if shutil.which("java") is None:
        raise ServerUnavailable("Java 17 is missing: apt-get install openjdk-17-jre-headless")
    done = CACHE / f"complete-{VERSION}"
    if not done.exists():
        if shutil.which("mvn") is None:
            raise ServerUnavailable("Maven is missing: apt-get install maven")
        CACHE.mkdir(parents=True, exist_ok=True)
        (CACHE / "pom.xml").write_text(_POM)
        command = ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={CACHE / 'jars'}"]
        fetched = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, timeout=600)
        if fetched.returncode:
            raise ServerUnavailable(f"Maven could not fetch Kafka {VERSION}:\n{fetched.stdout[-2000:]}{fetched.stderr[-2000:]}")
        done.touch()
    return CACHE / "jars"


@dataclass
class KafkaServer:
    """One broker; `kill` and `start` again keep its data."""

    folder: Path
    port: int = field(default_factory=free_port)
    proxied: dict[int, int] = field(default_factory=dict)
    """Further ports it listens on → the port of the proxy in front, which is what its clients are told to come back to."""
    process: subprocess.Popen[bytes] | None = None
    java: tuple[str, ...] = ("-Xmx512m", "-XX:TieredStopAtLevel=1")
    properties: str = ""
    """Further lines of its configuration; they win."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts the broker and waits until it listens."""
        self.folder.mkdir(parents=True, exist_ok=True)
        properties, log = self.folder / "server.properties", self.folder / "server.log"
        java = ["java", *self.java, "-cp", f"{jars()}/*"]
        if not properties.exists():
            own = _PROPERTIES.format(controller=free_port(), folder=self.folder, **self._listeners())
            properties.write_text(own + self.properties)
            format_storage = [*java, "kafka.tools.StorageTool", "format", "-t", uuid.uuid4().hex[:22], "-c", str(properties)]
            formatted = subprocess.run(format_storage, capture_output=True, text=True, env=self._environment(), timeout=60)
            if formatted.returncode:
                raise ServerUnavailable(f"Kafka's storage could not be formatted:\n{formatted.stdout[-1000:]}{formatted.stderr[-2000:]}")
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [*java, "kafka.Kafka", str(properties)], stdout=out, stderr=out, env=self._environment(), start_new_session=True
            )
        wait_for_port(self.port, self.process, log, START_SECONDS)

    def kill(self) -> None:
        """Ends it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _listeners(self) -> dict[str, str]:
        ports = {"PLAINTEXT": (self.port, self.port), **{f"PROXIED{n}": pair for n, pair in enumerate(self.proxied.items())}}
        return {
            "listeners": ",".join(f"{name}://127.0.0.1:{own}" for name, (own, _) in ports.items()),
            "advertised": ",".join(f"{name}://127.0.0.1:{told}" for name, (_, told) in ports.items()),
            "security": ",".join(f"{name}:PLAINTEXT" for name in (*ports, "CONTROLLER")),
        }

    def _environment(self) -> dict[str, str]:
        config = self.folder / "log4j2.yaml"
        if not config.exists():
            config.write_text(
                "Configuration:\n  Appenders:\n    Console: {name: out, PatternLayout: {pattern: '%d %p %m (%c)%n'}}\n"
                "  Loggers:\n    Root: {level: WARN, AppenderRef: [{ref: out}]}\n"
            )
        return {**os.environ, "JAVA_TOOL_OPTIONS": f"-Dlog4j2.configurationFile={config}"}
