"""The demo: broker, synthetic centre or recording, worker, metrics and wallboard in one process, with nothing to install or start."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from agents.broker import EmbeddedBroker, ReadAhead
from agents.feed import Feeder, Item
from agents.health import Health
from agents.process import Process
from agents.settings import Settings
from agents.supervision import Supervisor
from agents.synthetic import stream
from agents.wallboard import server
from streams.policy import Policy

WARM_UP_S = 600
"""So much of the synthetic centre's past is there at once, so that the boards start filled."""
_SESSION_S = 60.0
_LOOK_S = 0.2


@dataclass(frozen=True)
class Options:
    """What the demo shows. `speed` None: as fast as it goes. `duration_s` None: until it is stopped."""

    speed: float | None
    port: int
    metrics_port: int
    scenario: str = "outage"
    seed: int = 1
    duration_s: float | None = None
    exit_when_done: bool = False


def synthetic(options: Options, now_ms: int) -> Iterator[Item]:
    """The synthetic centre, busy from the first second; it began `WARM_UP_S` ago."""
    start = datetime.fromtimestamp(now_ms / 1000 - WARM_UP_S, UTC)
    for record in stream(options.seed, options.scenario, start):  # type: ignore[arg-type]  # checked where it is chosen
        yield Item(record.time, record.key, record.value, record.topic)


async def _feed(feeder: Feeder, items: Iterable[Item], options: Options, health: Health, *, recording: bool) -> None:
    """Feeds until the items end, then waits for ever: a background task that ends would end the process."""
    if recording:
        if options.speed is not None:
            await health.until_ready()  # what passes before the worker looks would not be seen at that speed
        await feeder.feed(items, options.speed)
        await feeder.finish()
    else:
        now_ms, past = int(time.time() * 1000), []
        later: Item | None = None
        iterator = iter(items)
        for item in iterator:
            if item.time >= now_ms:
                later = item
                break
            past.append(item)
        await feeder.feed(past, None)

        def rest() -> Iterator[Item]:
            if later is not None:
                yield later
            yield from iterator

        await feeder.feed(rest(), options.speed)
    await asyncio.Event().wait()


async def demo(
    policy: Policy, options: Options, items: Iterable[Item] | None, told: Callable[[str, str], None], stop: asyncio.Event
) -> int:
    """Runs the demo; the exit code. `items`: a recording's events, else the synthetic centre. `told` gets the page's and the metrics'
    address.

    Raises `FirstlineError`, for instance if a port is taken.
    """
    recording = items is not None
    with EmbeddedBroker() as broker:
        ahead = ReadAhead()
        settings = Settings(
            brokers=broker.address, embedded=True, clock="recording" if recording or options.speed != 1 else "wall",
            metrics_port=options.metrics_port, session_timeout=_SESSION_S, topic_prefix="", group="firstline-demo",
        )  # fmt: skip
        process = Process(settings, policy, redis=False, on_read=ahead.read)
        page, url = await server.serve(process.board, process.health, port=options.port)
        feeder = Feeder(settings, ahead)
        source = items if items is not None else synthetic(options, int(time.time() * 1000))

        async def beside(supervisor: Supervisor) -> None:
            told(url, process.metrics_url)
            tasks: dict[str, Awaitable[None]] = {"feed": _feed(feeder, source, options, process.health, recording=recording)}
            for name, work in tasks.items():
                process.health.watch_task(name, supervisor.start(name, work))  # type: ignore[arg-type]
            supervisor.start("end", _end(process, options, stop))

        try:
            return await process.run(stop, beside)
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await page.cleanup()


async def _end(process: Process, options: Options, stop: asyncio.Event) -> None:
    """Sets `stop` when the time is up or the recording's final state is there."""
    until = None if options.duration_s is None else time.monotonic() + options.duration_s
    while True:
        await asyncio.sleep(_LOOK_S)
        if until is not None and time.monotonic() >= until:
            break
        if options.exit_when_done and process.board.status().status == "final":
            break
    stop.set()
    await asyncio.Event().wait()
