"""How far a worker is behind its topics, and whether it hears of them at all: lag metrics, `/readyz`, the watch over a standstill."""

import asyncio
import time
from collections.abc import Hashable, Mapping
from typing import Any

from faust.types.tuples import TP

from agents.app import Application
from agents.health import Health
from agents.pipeline import Pipeline
from agents.reach import unreachable
from agents.settings import Settings
from agents.watchdog import StuckError, Watchdog

LOOK_EVERY_S = 1.0
SILENCE_S = 5.0
"""Kafka answers a fetch within a tenth of a second, if only with nothing: after so long without an answer something is wrong."""
STUCK_S = 300.0
"""A recovery, or the reading of events that are there, may stand still for so long before the process ends."""


class Hearing:
    """Since when Kafka has not answered for each partition. All times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._last: dict[TP, tuple[Hashable, float]] = {}

    def silence(self, now: float, heard: Mapping[TP, int | None]) -> float:
        """The longest of all partitions. `heard` has what changes with every answer; None where nothing is asked for."""
        for tp, sign in heard.items():
            known = self._last.get(tp)
            if sign is None or known is None or known[0] != sign:
                self._last[tp] = (sign, now)
        self._last = {tp: self._last[tp] for tp in heard}
        return max((now - since for _, since in self._last.values()), default=0.0)


class LagWatch:
    """Looks once a second; the hot path knows nothing of it."""

    def __init__(self, application: Application, settings: Settings, pipeline: Pipeline, health: Health) -> None:
        self._app, self._settings, self._pipeline, self._health = application, settings, pipeline, health
        self._watchdog = Watchdog(STUCK_S)
        self._hearing = Hearing()
        self._reported: set[TP] = set()

    async def run(self) -> None:
        """For ever; raises `StuckError` when nothing has moved for too long although there is work and Kafka is there."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            faust_app = self._app.faust
            lags = faust_app.consumer.lags()
            try:
                if faust_app.rebalancing or faust_app.in_recovery:
                    self._look_at_recovery(faust_app)
                else:
                    await self._look_at_reading(faust_app.consumer, lags)
            except StuckError:
                # A worker waits for brokers that are away, however long: only one that does not move although they are there starts anew.
                if await self._away() is None:
                    raise
            self._tell(lags)

    def _look_at_recovery(self, faust_app: Any) -> None:
        recovered = tuple(faust_app.tables.recovery.active_offsets.items())
        progress = (self._app.ledger.generation, recovered)
        self._watchdog.look(time.monotonic(), progress, busy=True, what="the recovery of the ledger")

    async def _look_at_reading(self, consumer: Any, lags: Mapping[TP, int]) -> None:
        silence = self._pipeline.kafka_silence_seconds = self._hearing.silence(time.monotonic(), consumer.heard())
        silent, behind = silence > SILENCE_S, sum(lags.values())
        away = await self._away() if silent else None
        self._report("kafka", f"no answer for {silence:.0f} s{f' ({away})' if away else ''}" if silent else None)
        self._report("lag", f"behind by {behind:,} events" if behind > self._settings.ready_lag else None)
        busy = silent or consumer.can_read()
        self._watchdog.look(time.monotonic(), consumer.progress(), busy=busy, what="the reading of events")

    async def _away(self) -> str | None:
        """Why no broker takes connections; None if one does."""
        return await asyncio.to_thread(unreachable, self._settings.brokers)

    def _report(self, part: str, reason: str | None) -> None:
        if reason is None:
            self._health.ready(part)
        else:
            self._health.not_ready(part, reason)

    def _tell(self, lags: Mapping[TP, int]) -> None:
        self._health.lag_events = sum(lags.values())
        for tp, events in lags.items():
            self._pipeline.set_lag(tp.topic, tp.partition, events)
        for tp in self._reported - lags.keys():
            self._pipeline.drop_lag(tp.topic, tp.partition)
        self._reported = set(lags)
