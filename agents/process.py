"""A worker process: the worker with everything attached to it — board, alerts, metrics, Redis — under one supervisor."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from importlib.metadata import version

import structlog

from agents import metrics, metrics_server, topics, wire
from agents.board import Board
from agents.health import Health
from agents.live import Live
from agents.outbox import Outbox
from agents.pipeline import Pipeline
from agents.publish import RedisPublisher
from agents.settings import Settings
from agents.state_log import StateLog, read_states
from agents.supervision import Supervisor
from agents.worker import Worker
from streams.kpis import REGISTRY
from streams.policy import Policy

KPI_EVERY_S = 2.0

_log = structlog.get_logger(__name__)


class Process:
    """One worker process. `redis` False leaves Redis out, as the demo does, which shows its own board."""

    def __init__(self, settings: Settings, policy: Policy, *, redis: bool, on_read: Callable[[str, int, int], None] | None = None) -> None:
        self.settings, self.policy, self._redis, self._on_read = settings, policy, redis, on_read
        self.board = Board()
        self.health = Health("partitions")
        self.pipeline = Pipeline(version("firstline"))
        self.metrics_url = ""

    async def run(self, stop: asyncio.Event, beside: Callable[[Supervisor], Awaitable[None]] | None = None) -> int:
        """Runs until `stop` is set (0) or a part fails (1). `beside` may start further tasks once the metrics page is up.

        Raises `FirstlineError` if a port is taken or the topics cannot be used.
        """
        settings, policy = self.settings, self.policy
        async with AsyncExitStack() as cleanup:
            registry = metrics.registry(self.board, self.pipeline, REGISTRY, lambda: policy.metric_windows)
            page, self.metrics_url = await metrics_server.serve(
                registry, self.health, host=settings.metrics_host, port=settings.metrics_port
            )
            cleanup.push_async_callback(page.cleanup)
            _log.info("metrics, /healthz and /readyz are served", url=self.metrics_url, pid=os.getpid())
            outbox = Outbox(settings.brokers)
            alerts, kpis = settings.topic(topics.ALERTS), settings.topic(topics.KPIS)
            alert_log, kpi_log = StateLog(alerts, outbox.send), StateLog(kpis, outbox.send, KPI_EVERY_S)
            live = Live(policy, self.board, alerts=alert_log, kpis=kpi_log, stored=lambda: read_states(settings.brokers, alerts))
            worker = Worker(
                settings, policy, on_snapshot=live.on_snapshot, pipeline=self.pipeline, health=self.health, on_read=self._on_read
            )
            await asyncio.to_thread(topics.ensure, settings)
            await outbox.start()
            cleanup.push_async_callback(outbox.stop)
            tasks = {"alert states": alert_log.run, "kpi states": kpi_log.run}
            if self._redis:
                client = wire.connect(settings.redis_url)
                cleanup.push_async_callback(client.aclose)
                tasks["redis publisher"] = RedisPublisher(
                    self.board, client, prefix=settings.redis_prefix, failed=lambda: self.pipeline.add_publish_failure("redis")
                ).run
            supervisor = Supervisor(stop)
            cleanup.push_async_callback(supervisor.close)  # the tasks end before what they write to
            for name, work in tasks.items():
                self.health.watch_task(name, supervisor.start(name, work()))
            if beside is not None:
                await beside(supervisor)
            code = await worker.run(stop)
            return 1 if supervisor.failed else code
