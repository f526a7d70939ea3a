"""Background tasks: one that ends, ends the process."""

import asyncio

from agents.supervision import Supervisor


async def for_ever() -> None:
    await asyncio.Event().wait()


async def test_a_task_that_fails_stops_the_process() -> None:
    async def fails() -> None:
        raise OSError("gone")

    stop = asyncio.Event()
    supervisor = Supervisor(stop)
    other = supervisor.start("other", for_ever())
    supervisor.start("failing", fails())
    await asyncio.wait_for(stop.wait(), 1)
    await supervisor.close()
    assert supervisor.failed
    assert other.cancelled()


async def test_a_task_that_just_ends_stops_the_process_too() -> None:
    async def ends() -> None:
        return None

    stop = asyncio.Event()
    supervisor = Supervisor(stop)
    supervisor.start("ending", ends())
    await asyncio.wait_for(stop.wait(), 1)
    assert supervisor.failed


async def test_a_stop_from_outside_is_no_failure() -> None:
    stop = asyncio.Event()
    supervisor = Supervisor(stop)
    supervisor.start("other", for_ever())
    await asyncio.sleep(0)
    stop.set()
    await supervisor.close()
    assert not supervisor.failed
