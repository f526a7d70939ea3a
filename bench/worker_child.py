"""The worker as `demo` runs it, as a process of its own. Prints "ready", then "read TOPIC PARTITION NEXT" a batch, then "final".

python bench/worker_child.py BROKER
"""

import asyncio
import sys
from collections.abc import Callable

from agents import logs, loop
from agents.process import Process
from agents.settings import Settings
from agents.supervision import Supervisor
from streams.policy import DEFAULT

_LOOK_S = 0.01


async def _until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - health and board are asked, they do not call
        await asyncio.sleep(_LOOK_S)


async def main(broker: str) -> int:
    settings = Settings(brokers=broker, embedded=True, clock="recording", metrics_port=0, session_timeout=60.0, group="bench")
    stop = asyncio.Event()

    def read(topic: str, partition: int, following: int) -> None:
        print("read", topic, partition, following, flush=True)

    process = Process(settings, DEFAULT, redis=False, on_read=read)

    async def follow() -> None:
        await _until(lambda: not process.health.reasons())
        print("ready", flush=True)
        await _until(lambda: process.board.status().status == "final")
        print("final", flush=True)
        stop.set()
        await asyncio.Event().wait()

    async def beside(supervisor: Supervisor) -> None:
        supervisor.start("follow", follow())

    return await process.run(stop, beside)


if __name__ == "__main__":
    logs.configure("WARNING")
    loop.install()
    sys.exit(asyncio.run(main(sys.argv[1])))
