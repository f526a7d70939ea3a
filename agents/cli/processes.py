"""`firstline demo`, `worker` and `wallboard`: the processes that run until they are stopped."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from agents.cli.common import FailedError, OptionError, PolicyFile, note, policy_of, progress, warn
from agents.cli.settings import Brokers, need_kafka, settings_of

Port = Annotated[int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="Of the wallboard and the API.")]
MetricsPort = Annotated[int | None, typer.Option("--metrics-port", metavar="PORT", min=0, max=65535, help="Of /metrics.  [default: 9464]")]
Inputs = Annotated[
    list[Path] | None, typer.Option("--input", metavar="FILE", help="Show a recording (may repeat) instead of the synthetic centre.")
]
Speed = Annotated[str, typer.Option("--speed", metavar="SPEED", help="1 is real time, 60 a minute in a second, max as fast as it goes.")]
Duration = Annotated[float | None, typer.Option("--duration", metavar="SECONDS", min=0.0, help="Stop after so long.  [default: never]")]
ExitWhenDone = Annotated[bool, typer.Option("--exit-when-done", help="Stop when the recording's final state is there.")]
Scenario = Annotated[str, typer.Option("--scenario", help="Of the synthetic centre: calm, monday or outage.")]
Seed = Annotated[int, typer.Option("--seed", help="Of the synthetic centre.")]
Processes = Annotated[int, typer.Option("--processes", metavar="N", min=1, max=64, help="Worker processes to run on this machine.")]
Clock = Annotated[
    Literal["wall", "recording"] | None,
    typer.Option("--clock", help="wall, or recording for replays: time is that of the events.  [default: wall]"),
]


def demo(
    inputs: Inputs = None,
    speed: Speed = "1",
    port: Port = 8080,
    metrics_port: MetricsPort = None,
    duration: Duration = None,
    scenario: Scenario = "outage",
    seed: Seed = 1,
    policy: PolicyFile = None,
    *,
    exit_when_done: ExitWhenDone = False,
) -> None:
    """Everything in one process: a broker in memory, a synthetic centre or a recording, the worker, metrics and the live wallboard.

    \b
    Examples:
      firstline demo
      firstline demo --input january.jsonl --speed max
      firstline demo --scenario calm --duration 60
    """
    from agents import demo as demos
    from agents.cli.replay import _factor as factor
    from agents.synthetic import SCENARIOS

    if scenario not in SCENARIOS:
        raise OptionError(f"--scenario: there is no {scenario!r}; write {', '.join(SCENARIOS)}")
    if exit_when_done and not inputs:
        raise OptionError("--exit-when-done: the synthetic centre never ends; give --input FILE, or --duration")
    rules = policy_of(policy)
    settings = settings_of(metrics_port=metrics_port)
    options = demos.Options(factor(speed), port, settings.metrics_port, scenario, seed, duration, exit_when_done)
    items = _recording(inputs, rules, ordered=options.speed is not None) if inputs else None

    def told(url: str, metrics: str) -> None:
        typer.echo(f"wallboard  {url}\nmetrics    {metrics}\n\nCtrl-C ends it.")

    _run(lambda stop: demos.demo(rules, options, items, told, stop), log_level="WARNING")


def _recording(inputs: list[Path], rules: Any, *, ordered: bool) -> Any:
    from agents.bad_lines import BadLines
    from agents.feed import Item
    from agents.recording_files import total_bytes
    from agents.recordings import Reader
    from agents.replay import END, in_time_order

    bad = BadLines(warn, None, False)
    reader = Reader(inputs, rules.clock, bad)

    def items() -> Any:
        with progress("reading", total_bytes(inputs)) as advance:
            reader.advance = advance
            records = in_time_order(reader.records()) if ordered else reader.records()
            for record in records:
                if record.event.type != END:
                    yield Item(record.event.time, record.subject.encode(), record.raw, record.event.topic)
        if summary := bad.summary():
            warn(summary)

    found = items()
    first = next(found, None)
    if first is None:
        raise OptionError("--input: there is no event in the recording, so there is nothing to show; give another")
    return chain((first,), found)


def worker(
    processes: Processes = 1, clock: Clock = None, metrics_port: MetricsPort = None, policy: PolicyFile = None, brokers: Brokers = None
) -> None:
    """A stream worker on Kafka: events in, exact KPIs out. Start as many as there is work; each takes its share of the partitions.

    With several processes the metrics of each are at a port of its own: the first at --metrics-port, the next at the one after it, …

    \b
    Examples:
      firstline worker --brokers kafka:9092
      firstline worker --processes 4
      firstline worker --clock recording --metrics-port 9465
    """
    from agents.process import Process

    rules = policy_of(policy)
    settings = settings_of(clock=clock, metrics_port=metrics_port, brokers=brokers)
    need_kafka(settings)
    if processes == 1:
        _run(Process(settings, rules, redis=True).run)
        return
    last_port = settings.metrics_port + processes - 1
    if settings.metrics_port and last_port > 65535:
        raise OptionError(f"--metrics-port: {processes} processes need the ports up to {last_port}; give a smaller one, or 0 for any")
    from agents import logs, topics
    from agents.parallel import Parent

    logs.configure()
    try:
        topics.ensure(settings)  # what is wrong with them is said once
    except topics.TopicsError as exc:
        raise FailedError(str(exc)) from exc
    code = Parent(processes, _one_of_several, (settings, policy)).run()
    if code:
        raise typer.Exit(code)


def _one_of_several(number: int, ready: Any, settings: Any, policy: Path | None) -> None:
    """What a process of `worker --processes` does, and its end."""
    import os

    from agents import parallel
    from agents.cli.application import guarded
    from agents.process import Process
    from agents.supervision import Supervisor

    parallel.end_with_parent()

    def work() -> None:
        port = settings.metrics_port and settings.metrics_port + number - 1
        process = Process(settings.model_copy(update={"metrics_port": port}), policy_of(policy), redis=True)

        async def tell() -> None:
            await process.health.until_ready()
            ready.send(number)
            await asyncio.Event().wait()

        async def beside(supervisor: Supervisor) -> None:
            supervisor.start("tell the parent", tell())

        _run(lambda stop: process.run(stop, beside), process=number)

    code = guarded(work)
    sys.stderr.flush()
    os._exit(code)


def wallboard(port: Port = 8080) -> None:
    """The web server: page, API and live stream, fed by Redis.

    \b
    Examples:
      firstline wallboard --port 8080
      FIRSTLINE_REDIS_URL=redis://redis:6379/0 firstline wallboard
    """
    from agents import wire
    from agents.board import Board
    from agents.health import Health
    from agents.redis_feed import RedisFeed
    from agents.supervision import Supervisor
    from agents.wallboard import server

    settings = settings_of()

    async def run(stop: asyncio.Event) -> int:
        board, health = Board(), Health()
        runner, url = await server.serve(board, health, port=port)
        supervisor = Supervisor(stop)
        client = wire.connect(settings.redis_url)
        health.watch_task(
            "redis feed", supervisor.start("redis feed", RedisFeed(board, client, health, prefix=settings.redis_prefix).run())
        )
        note(f"wallboard at {url}")
        try:
            await stop.wait()
        finally:
            await supervisor.close()
            await runner.cleanup()
            await client.aclose()
        return 1 if supervisor.failed else 0

    _run(run)


def _run(main: Callable[[asyncio.Event], Coroutine[Any, Any, int]], *, log_level: str = "INFO", process: int | None = None) -> None:
    """Runs until SIGTERM or SIGINT, or until it ends by itself. `process` is its number, if it is one of several."""
    from agents import logs, loop
    from agents.topics import TopicsError

    async def until_signal() -> int:
        stop = asyncio.Event()
        running = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            running.add_signal_handler(number, stop.set)
        return await main(stop)

    logs.configure(log_level, process=process)
    loop.install()
    try:
        code = asyncio.run(until_signal())
    except TopicsError as exc:
        raise FailedError(str(exc)) from exc
    if code:
        raise typer.Exit(code)
