"""The stream worker: Faust under our own roof, the ticks, the watch over both, and an end in good order."""

import asyncio
import gc
import signal
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from faust.types.tuples import TP

from agents import app, loop, topics
from agents.batching.application import COLLECTOR
from agents.batching.stop import stop_at_once
from agents.health import Health
from agents.intake import misplaced
from agents.interactions import Interactions
from agents.lag import LagWatch
from agents.outbox import Outbox
from agents.pace import pause
from agents.pipeline import Pipeline
from agents.rollup import RollupReader
from agents.settings import Settings
from agents.supervision import Supervisor
from streams.errors import FirstlineError
from streams.ledger import Ledger
from streams.policy import Policy
from streams.snapshot import Snapshot

RETIRE_EVERY_S = 600.0
STOP_S = 60.0
"""After a crash of its consumer Faust may wait for ever for what will not come; nothing is lost by ending at once."""
EVALUATED_AT_ONCE = 20_000
"""Interactions, before the event loop has its turn: members of a group that are silent for long are put out of it."""
LOOKED_AT = 1000
"""Subjects of a recovered partition whose place is checked. Another number of partitions moves at least every second one."""

_log = structlog.get_logger(__name__)


class PartitionsChangedError(FirstlineError):
    """The interaction topics have been given another number of partitions than the ledger was written with."""

    def __init__(self, changelog: str, partition: int, subject: str, partitions: int) -> None:
        super().__init__(
            f"topic {changelog}: partition {partition} holds {subject!r}, which of {partitions} partitions belongs to another: the topics "
            "have been given another number of partitions, so events of one subject would not meet. Copy the events into new topics "
            "(`firstline replay --from-kafka`, docs/operations.md) and start the workers on those."
        )


class Worker:
    """One stream worker. `run` starts it, and ends when `stop` is set or a part of it fails."""

    def __init__(
        self,
        settings: Settings,
        policy: Policy,
        *,
        on_snapshot: Callable[[Snapshot], None],
        pipeline: Pipeline | None = None,
        health: Health | None = None,
        on_read: Callable[[str, int, int], None] | None = None,
    ) -> None:
        """`on_snapshot` is called in the worker that owns the rollup; `on_read(topic, partition, next offset)` after each batch."""
        self.settings, self.policy = settings, policy
        self.pipeline = pipeline or Pipeline()
        self.health = health or Health()
        self._on_snapshot, self._on_read = on_snapshot, on_read
        self._outbox = Outbox(settings.brokers)
        self._ends: dict[int, dict[TP, int]] = {}
        self._taken: dict[TP, int] = {}  # the offset after what is in the ledger, of source partitions read since they were opened
        self._app: app.Application | None = None
        self._work: Interactions | None = None

    @property
    def application(self) -> app.Application:
        """The running application."""
        assert self._app is not None, "the worker has not been started"
        return self._app

    @property
    def interactions(self) -> Interactions:
        """The open partitions."""
        assert self._work is not None, "the worker has not been started"
        return self._work

    async def run(self, stop: asyncio.Event) -> int:
        """Runs until `stop` is set (0) or a part fails (1). Raises `TopicsError` if the topics cannot be used."""
        self.health.not_ready("partitions", "waiting for an assignment and its recovery")
        partitions = await asyncio.to_thread(topics.ensure, self.settings)
        thresholds = gc.get_threshold()
        gc.set_threshold(*COLLECTOR)
        self._build(partitions)
        supervisor = Supervisor(stop)
        await self._outbox.start()
        faust_app = self.application.faust
        faust_app.finalize()
        try:
            await faust_app.start()
            lag = LagWatch(self.application, self.settings, self.pipeline, self.health)
            tasks = {"faust": self._watch_faust, "ticks": self._ticks, "lag": lag.run, "retention": self._retention}
            for name, work in tasks.items():
                self.health.watch_task(name, supervisor.start(name, work()))
            await stop.wait()
        finally:
            await supervisor.close()
            try:
                await asyncio.wait_for(faust_app.stop(), STOP_S)
            except TimeoutError:
                stop_at_once(f"Faust has not ended within {STOP_S:.0f} s")
            await self._outbox.stop()
            gc.set_threshold(*thresholds)
            gc.unfreeze()  # what others put into this process may be collected again
        crashed = faust_app.crash_reason is not None
        return 1 if supervisor.failed or crashed else 0

    def _build(self, partitions: int) -> None:
        work = self._work = Interactions(
            self.policy,
            clock=self.settings.clock,
            partitions=partitions,
            dead_letters=self.settings.topic(topics.DEAD_LETTERS),
            send=self._outbox.send,
            pipeline=self.pipeline,
        )
        rollup = RollupReader(self.policy, partitions, self._on_snapshot)

        async def on_events(stream: Any, event: Any) -> None:
            message = event.message
            self._taken[message.tp] = message.offset + 1  # `take` adds it before it waits for anything
            await self.application.ledger.take(stream, event, work.take)
            if self._on_read is not None:
                self._on_read(message.topic, message.partition, message.offset + 1)

        def on_partials(message: Any) -> None:
            rollup.take(message, self.application.faust.consumer.highwater(message.tp))

        def on_open(partition: int, ledger: Ledger, epoch: bytes) -> None:
            self._ends.pop(partition, None)
            for topic in self.application.sources:
                self._taken.pop(TP(topic, partition), None)
            if stranger := next((s for s in islice(ledger.subjects(), LOOKED_AT) if misplaced(s, partition, partitions) is not None), None):
                stop_at_once(str(PartitionsChangedError(self.settings.topic(topics.LEDGER), partition, stranger, partitions)))
            work.opened(partition, ledger, epoch)
            gc.freeze()  # the ledger's objects are no garbage: spare the collector, also the one that Faust calls at rebalances

        self._app = app.build(
            self.settings,
            partitions=partitions,
            new_ledger=lambda _: Ledger(),
            on_open=on_open,
            on_close=work.closed,
            on_events=on_events,
            on_partials=on_partials,
        )

    # -- background tasks

    async def _watch_faust(self) -> None:
        await self.application.faust.wait_until_stopped()

    async def _ticks(self) -> None:
        tick_ms, work, partials = self.policy.tick_ms, self.interactions, self.application.partials
        spent, told = 0.0, 0.0
        while True:
            now = time.time()  # read once: between two readings the clock may be set back, by hours
            tick = int(now * 1000) // tick_ms + 1  # the next aligned instant
            await asyncio.sleep(tick * tick_ms / 1000 - now)
            started = time.perf_counter()
            behind = sum(self.application.faust.consumer.lags().values())
            if started - told < pause(behind, spent, work.touched):
                continue
            try:
                await self._learn_ends()
                while work.touched > EVALUATED_AT_ONCE:
                    work.evaluate(tick * tick_ms, EVALUATED_AT_ONCE)
                    await asyncio.sleep(0)
                if self.application.ledger.all_open:  # what a worker tells is of all that it holds (streams/holders.py)
                    for records in work.tick(tick, tick * tick_ms, self._has_ended, self._positions):
                        await self._outbox.send_rows(partials, 0, records)
            except KafkaError as exc:  # rows are state: those that were lost are made up for by all of them, once Kafka is back
                _log.warning("partial rows not sent, all of them follow", error=repr(exc))
                work.send_all_rows()
            self._report_readiness()
            told = time.perf_counter()
            spent = told - started

    def _report_readiness(self) -> None:
        faust_app = self.application.faust
        if faust_app.rebalancing or faust_app.in_recovery or not self.application.ledger.generation >= 0:
            self.health.not_ready("partitions", "rebalancing or recovering")
        else:
            self.health.ready("partitions")

    async def _learn_ends(self) -> None:
        """Where the source topics end, asked once a recording's end was seen: that marker may overtake events of other topics."""
        for partition, part in list(self.interactions.open.items()):
            if part.ledger.ended_at is not None and partition not in self._ends:
                tps = [TP(topic, partition) for topic in self.application.sources]
                ends = dict(await self.application.faust.consumer.highwaters(*tps))
                if self.interactions.open.get(partition) is part:  # it may have gone, or come anew, while waiting
                    self._ends[partition] = ends

    def _has_ended(self, partition: int) -> bool:
        ends = self._ends.get(partition)
        consumer = self.application.faust.consumer
        return ends is not None and all(consumer.has_committed(tp, end) for tp, end in ends.items())

    def _positions(self, partition: int) -> tuple[int, ...]:
        """The offsets up to which the source topics are in the ledger; -1 for one that is not known."""
        began = self.application.faust.consumer.began
        tps = [TP(topic, partition) for topic in self.application.sources]
        return tuple(self._taken.get(tp, began.get(tp, -1)) for tp in tps)

    async def _retention(self) -> None:
        while True:
            await asyncio.sleep(RETIRE_EVERY_S)
            for partition in self.interactions.retire(int(time.time() * 1000)):
                self.application.ledger.flush_soon(partition)


def run_worker(worker: Worker) -> int:
    """Runs a worker in this process until SIGTERM or SIGINT; the exit code."""

    async def until_signal() -> int:
        stop = asyncio.Event()
        running = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            running.add_signal_handler(number, stop.set)
        return await worker.run(stop)

    loop.install()
    return asyncio.run(until_signal())
