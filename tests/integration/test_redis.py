"""Publisher and feed against a real Redis: what the worker's board shows the wallboard's shows, whatever happens in between."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from agents import publish
from agents.board import Board
from agents.health import Health
from agents.publish import RedisPublisher
from agents.redis_feed import RedisFeed
from agents.wallboard.sample import AT_MS, row, snapshot
from agents.wire import connect
from streams.errors import FirstlineError
from streams.snapshot import RowKey
from tests.conftest import running
from tests.integration.redis_server import RedisServer

pytestmark = pytest.mark.redis

BILLING = RowKey(("queue",), ("Billing",), "1h")
VIP = RowKey(("queue",), ("VIP",), "1h")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of this test's own: it is flushed, killed and started again."""
    yield from running(RedisServer(tmp_path / "redis"))


class Site:
    """A worker's board with its publisher, and a wallboard's with its feed."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.worker = Board()
        self.wall = Board()
        self.health = Health()
        self.failures = 0
        self.clients: list[Redis] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.tick = 0

    def client(self) -> Redis:
        self.clients.append(connect(self.url))
        return self.clients[-1]

    def publisher(self, board: Board | None = None) -> asyncio.Task[None]:
        return self._start(RedisPublisher(board or self.worker, self.client(), failed=self._count))

    def feed(self, silence_s: float = 2.0) -> asyncio.Task[None]:
        return self._start(RedisFeed(self.wall, self.client(), self.health, silence_s=silence_s))

    def _start(self, part: Any) -> asyncio.Task[None]:
        self.tasks.append(asyncio.create_task(part.run(), name=type(part).__name__))
        return self.tasks[-1]

    def _count(self) -> None:
        self.failures += 1

    def next(self, **changes: Any) -> None:
        """The worker's next snapshot: the whole centre at first, then only what is given."""
        self.tick += 1
        at = AT_MS + 500 * self.tick
        self.worker.publish(
            snapshot(at, self.tick) if self.tick == 1 else snapshot(at, self.tick, **{"full": False, "changed": {}, **changes})
        )

    async def agreed(self) -> None:
        """Wait until both boards show the same, then compare all of it."""
        await self.until(lambda: self.wall.status().tick == self.worker.status().tick)
        wall, worker = self.wall.changes(None), self.worker.changes(None)
        assert wall.rows == worker.rows
        assert wall.goals == worker.goals
        assert wall.alerts == worker.alerts
        assert self.wall.status() == self.worker.status()

    async def until(self, holds: Callable[[], bool], timeout_s: float = 20) -> None:
        """Wait; a part that ends meanwhile fails the test."""
        async with asyncio.timeout(timeout_s):
            while not holds():
                for task in self.tasks:
                    assert not task.done(), task
                await asyncio.sleep(0.02)


@pytest.fixture
async def site(server: RedisServer) -> AsyncIterator[Site]:
    made = Site(server.url)
    yield made
    for task in made.tasks:
        task.cancel()
    await asyncio.gather(*made.tasks, return_exceptions=True)
    for client in made.clients:
        await client.aclose()


def billing(offered: int) -> dict[RowKey, Any]:
    return {BILLING: row({"queue": "Billing"}, "1h", AT_MS, (offered, 300, 20.0, 1, 5.0, 1, 0))}


async def test_the_wallboard_shows_what_the_worker_shows(site: Site) -> None:
    site.next()
    site.publisher()
    site.feed()
    await site.agreed()
    for offered in range(413, 433):
        site.next(changed=billing(offered), alerts=[{"id": str(offered), "state": "firing"}])
        await asyncio.sleep(0.01)
    site.next(changed={VIP: None}, complete=False, missing=(1,))
    await site.agreed()
    assert site.wall.row((("queue",), ("VIP",)), "1h") is None
    assert site.health.reasons() == []


async def test_a_wallboard_started_late_loads_everything_at_once(site: Site) -> None:
    site.publisher()
    site.next()
    site.next(changed=billing(500))
    await asyncio.sleep(0.2)
    site.feed()
    await site.agreed()
    assert site.wall.seq == 1


async def test_a_large_change_comes_in_several_messages_and_is_shown_in_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "_MESSAGE_BYTES", 2000)
    site.next()
    site.publisher()
    site.feed()
    await site.agreed()
    seq = site.wall.seq
    whole = snapshot(AT_MS + 10_000).changed
    site.next(changed=whole)
    await site.agreed()
    assert site.wall.seq == seq + 1


async def test_a_flushed_redis_is_filled_again(site: Site) -> None:
    site.next()
    site.publisher()
    site.feed()
    await site.agreed()
    admin = site.client()
    await admin.flushall()
    site.next(changed=billing(600))
    await site.agreed()
    fields = len(site.worker.view().rows)
    async with asyncio.timeout(10):
        while await admin.hlen("firstline:rows") != fields:
            site.next()
            await asyncio.sleep(0.1)
    await site.agreed()


async def test_a_restarted_redis_is_filled_again_and_the_outage_is_counted(site: Site, server: RedisServer) -> None:
    site.next()
    site.publisher()
    site.feed()
    await site.agreed()
    server.kill()
    site.next(changed=billing(700))
    await site.until(lambda: site.failures > 0 and site.health.reasons() != [])
    assert site.health.reasons()[0].startswith("redis: ")
    server.start()
    site.next(changed={VIP: None})
    await site.agreed()
    assert site.health.reasons() == []
    fresh = Board()
    site.wall = fresh
    site.feed()
    await site.agreed()


async def test_the_final_state_of_a_recording_comes_back_after_a_restart(site: Site, server: RedisServer) -> None:
    site.worker.publish(snapshot(final=True))
    site.publisher()
    await asyncio.sleep(0.2)
    server.kill()
    server.start()
    site.feed()
    await site.agreed()
    assert site.wall.status().status == "final"


async def test_publishing_never_waits_for_redis(site: Site, server: RedisServer) -> None:
    site.publisher()
    site.next()
    await asyncio.sleep(0.1)
    server.kill()
    started = asyncio.get_running_loop().time()
    for offered in range(500):
        site.next(changed=billing(offered))
    assert asyncio.get_running_loop().time() - started < 5.0
    server.start()
    site.feed()
    await site.agreed()


async def test_a_new_worker_takes_over_with_a_board_of_its_own(site: Site) -> None:
    site.next()
    first = site.publisher()
    site.feed()
    await site.agreed()
    site.tasks.remove(first)
    first.cancel()
    site.worker = Board()
    site.tick = 0
    site.worker.publish(snapshot(AT_MS + 99_000, 99, changed=billing(1), goals={}, full=True))
    site.publisher()
    await site.agreed()
    assert list(site.wall.view().rows) == [BILLING]


async def test_what_a_dead_worker_left_behind_is_shown_as_stale(site: Site) -> None:
    site.next()
    publisher = site.publisher()
    admin = site.client()
    async with asyncio.timeout(10):
        while not await admin.exists("firstline:state"):
            await asyncio.sleep(0.02)
    site.tasks.remove(publisher)
    publisher.cancel()
    await admin.delete("firstline:alive")  # as after five seconds
    site.feed()
    await site.until(lambda: site.wall.status().status == "stale")
    assert site.wall.status().stale_since is not None


async def test_a_silent_channel_is_connected_anew_and_nothing_is_loaded_twice(site: Site) -> None:
    site.next()
    site.publisher()
    site.feed(silence_s=0.1)
    await site.agreed()
    await asyncio.sleep(0.5)
    assert site.wall.seq == 1
    site.next(changed=billing(800))
    await site.agreed()


async def test_something_foreign_under_the_prefix_is_named_and_not_shown(site: Site) -> None:
    admin = site.client()
    await admin.set("firstline:state", b'{"format": "firstline.live/9"}')
    site.feed()
    await site.until(lambda: any("state cannot be read" in reason for reason in site.health.reasons()))
    assert "same version" in site.health.reasons()[0]
    assert site.wall.status().status == "starting"


async def test_a_handover_that_fails_says_so(server: RedisServer) -> None:
    board = Board()
    board.publish(snapshot())
    server.kill()
    client = connect(server.url)
    with pytest.raises((RedisError, OSError)):
        await RedisPublisher(board, client).hand_over()
    await client.aclose()


def test_an_address_that_is_none_is_refused_with_an_example() -> None:
    with pytest.raises(FirstlineError, match=r"write redis://host:6379/0"):
        connect("localhost:6379")
