"""One run: a centre with topics of its own is fed and broken, then everything is compared."""

import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import msgspec
from confluent_kafka.admin import AdminClient

from agents import topics
from agents.settings import Settings
from tests.chaos.checks import different_rows, different_sets, final_rows, rows_in_redis, rows_on_kpis
from tests.chaos.given import PARTITIONS, Given, Rows
from tests.chaos.scenarios import SCENARIOS, Scenario
from tests.chaos.site import SESSION_SECONDS, Feeder, Site
from tests.integration.centre import Centre
from tests.integration.kafka_server import KafkaServer, free_port
from tests.integration.redis_server import RedisServer
from tests.integration.toxiproxy import Toxiproxy

_COMPACTED_ALL_THE_TIME = {"segment.ms": "1000", "min.cleanable.dirty.ratio": "0.01", "delete.retention.ms": "500"}
_SETTLED_SECONDS = 300.0
"""A busy machine may take so long; waiting ends as soon as what is waited for is there."""


class Result(msgspec.Struct, kw_only=True):
    """The figures of a run."""

    run: str
    seed: int
    input: int
    """The seed of its input."""
    faults: dict[str, int]
    records: dict[str, int]
    """Records sent, and how many of them have which fault."""
    compared: dict[str, int]
    """Subjects of the ledger and rows that were compared with the report's."""
    openings: int
    """How often a partition was opened with a new epoch."""
    stopped: int
    """How often a worker stopped by itself rather than commit what might not be written."""
    differences: dict[str, int]
    problems: list[str]
    seconds: dict[str, float]
    """How long it was broken, and how long everything then took to come right, twice."""

    @property
    def good(self) -> bool:
        return not any(self.differences.values()) and not self.problems


class Attack:
    """One run of a scenario. `number` is how many faults it takes."""

    def __init__(self, name: str, seed: int, given: Given, rows: Rows, number: int, broker: KafkaServer | None) -> None:
        """`rows` are the report's; `broker` is the one that runs share which leave it alone."""
        self.name, self.seed, self.given, self.rows, self.number = name, seed, given, rows, number
        self.scenario: Scenario = SCENARIOS[name]
        self._broker = broker
        self._seconds: dict[str, float] = {}
        self._since = 0
        """Only what workers from this number on have published counts."""

    def run(self) -> Result:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"chaos-{self.name}-")))
            site = self._site(stack, folder)
            stack.callback(site.centre.end)
            problems, differences = self._problems(site)
            logs = site.centre.logs()
            result = Result(
                run=self.name,
                seed=self.seed,
                input=self.given.seed,
                faults=dict(sorted(site.count().items())),
                records={"records": len(self.given.records), **self.given.faults},
                compared={"subjects": len(self.given.truth), "rows": len(self.rows)},
                openings=logs.count("partition opened"),
                stopped=logs.count("worker stops"),
                differences=differences,
                problems=problems,
                seconds=self._seconds,
            )
            if kept := os.environ.get("CHAOS_LOGS"):
                Path(kept).mkdir(parents=True, exist_ok=True)
                (Path(kept) / f"{self.name}-{self.seed}.log").write_text(logs)
            self._clean(site)
        return result

    # -- the site

    def _site(self, stack: ExitStack, folder: Path) -> Site:
        proxied = {free_port(): free_port() for _ in range(2)} if self.name == "network" else {}
        broker = self._broker
        if broker is None or self.scenario.own_broker:
            broker = KafkaServer(folder / "kafka", proxied=proxied)
            broker.start()
            stack.callback(broker.kill)
        prefix = f"{self.name}-{self.seed}-{uuid4().hex[:6]}-"
        settings = Settings(
            brokers=broker.address, group=prefix + "group", topic_prefix=prefix, partitions=PARTITIONS, session_timeout=SESSION_SECONDS,
            commit_interval=0.5, clock="recording", redis_prefix=prefix, metrics_port=0,
        )  # fmt: skip
        site = Site(Centre(settings, folder, PARTITIONS), broker, random.Random(self.seed))
        if self.name == "redis":
            site.redis = RedisServer(folder / "redis")
            site.redis.start()
            stack.callback(site.redis.kill)
            site.centre.settings = settings.model_copy(update={"redis_url": site.redis.url})
            site.centre.program = ("agents.cli", "worker")
        if self.name == "network":
            site.proxy = Toxiproxy(folder / "toxiproxy")
            site.proxy.start()
            stack.callback(site.proxy.kill)
            for name, (own, told) in zip(("first", "second"), proxied.items(), strict=True):
                site.proxy.connect(name, told, own)
            ports = list(proxied.values())
            site.environment = lambda number: {"FIRSTLINE_BROKERS": f"127.0.0.1:{ports[number % 2]}"}
        if self.name == "clock":
            site.clock = folder / "clock"
            site.clock.write_text("0")
            site.environment = lambda number: {"CLOCK": str(site.clock)}
        topics.ensure(settings)
        topics.alter(settings, topics.LEDGER, _COMPACTED_ALL_THE_TIME)
        return site

    def _clean(self, site: Site) -> None:
        """A broker that is shared should not carry the topics of every run."""
        if site.kafka is self._broker:
            names = [topic.name for topic in topics.wanted(site.centre.settings)]
            admin = AdminClient({"bootstrap.servers": site.kafka.address, "log_level": 0})  # held until the answers are there
            for done in admin.delete_topics(names).values():
                done.result(30)

    # -- the run

    def _problems(self, site: Site) -> tuple[list[str], dict[str, int]]:
        feeder = Feeder(site.centre, self.given, self.number * self.scenario.seconds)
        problems: list[str] = []
        try:
            with self._timed("broken"), feeder.running():
                while sum(site.count().values()) < self.number:
                    self.scenario.attack(site)
            with self._timed("mended"):
                feeder.rest()
                self._mend(site)
                wrong = self._settled(site)
            if not wrong:
                with self._timed("started anew"):  # from the changelog alone, by workers that know nothing
                    self._kill_all(site)
                    wrong = self._settled(site)
        except AssertionError as exc:
            return [str(exc)[-3000:]], {}
        problems += wrong[:5]
        problems += [text for snapshot in site.centre.snapshots() for text in snapshot["broken"]][:5]
        return problems, {"rows": len(wrong), **different_sets(site.centre, self.given)}

    def _kill_all(self, site: Site) -> None:
        for worker in site.alive():
            site.send(signal.SIGKILL, worker)
            worker.wait()
        self._since = len(site.centre.workers)
        if site.redis is not None:
            site.redis.flush()

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self._seconds[phase] = round(time.monotonic() - started, 1)

    def _mend(self, site: Site) -> None:
        if site.clock is not None:
            site.clock.write_text("0")
        site.disarm()

    def _settled(self, site: Site) -> list[str]:
        """Waits until everything is read and the final rows are the report's; the rows that are not."""

        def read() -> bool:
            site.keep(2)
            return site.centre.committed() == site.centre.ends()

        assert site.within(_SETTLED_SECONDS, read), f"not read to the end:\n{site.centre.logs()[-2500:]}"
        found: list[str] = []

        def equal() -> bool:
            site.keep(2)
            found[:] = [text for rows in self._published(site) for text in different_rows(rows, self.rows, self.given.at)]
            return not found

        site.within(_SETTLED_SECONDS, equal)
        return found

    def _published(self, site: Site) -> list[Rows]:
        if site.redis is not None:
            return [rows_in_redis(site.redis, site.centre.settings.redis_prefix), rows_on_kpis(site.centre)]
        return [final_rows(site.centre, self._since)]
