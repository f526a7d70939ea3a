"""The wallboard process's reader: keeps a board as the worker's, from Redis.

It loads the hash, follows the channel, and begins anew whenever something is missing; meanwhile the board goes stale by itself and says so.
"""

import asyncio
import time
from collections.abc import Callable

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from agents.board import STALE_AFTER_S, Board
from agents.health import Health
from agents.publish import Sleep, backoff
from agents.wire import ALIVE_MS, DEFAULT_PREFIX, FeedError, Message, State, keys, read_message, read_rows, read_state
from streams.snapshot import Row, RowKey

_log = structlog.get_logger(__name__)

PART = "redis"
"""The name of this part in `/readyz`."""
_SILENCE_S = 10.0
"""Without a message for longer the connection may be dead without saying so: connect anew."""


class RedisFeed:
    """Fills `board`; `run` is a task that never ends by itself. `wall` (ms) is only used to age what a publisher left behind."""

    def __init__(
        self,
        board: Board,
        client: Redis,
        health: Health,
        *,
        prefix: str = DEFAULT_PREFIX,
        silence_s: float = _SILENCE_S,
        sleep: Sleep = asyncio.sleep,
        wall: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._board = board
        self._client = client
        self._health = health
        self._keys = keys(prefix)
        self._silence_s = silence_s
        self._sleep = sleep
        self._wall = wall
        self._epoch = ""
        self._seq = 0
        self._changed: dict[RowKey, Row | None] = {}
        self._goals: dict[RowKey, dict[str, float]] = {}
        self._failures = 0

    async def run(self) -> None:
        """Follow Redis for ever."""
        self._health.not_ready(PART, "not connected yet")
        while True:
            try:
                await self._session()
            except (RedisError, OSError, FeedError) as exc:
                self._failures += 1
                self._health.not_ready(PART, str(exc))
                if self._failures == 1:  # once an outage, not once an attempt
                    _log.warning("redis feed interrupted: this board goes stale until it is back", error=str(exc))
                await self._sleep(backoff(self._failures))

    async def _session(self) -> None:
        """One connection: subscribe first, then load, so that nothing between the two is missed. Returns after a silence."""
        async with self._client.pubsub() as channel:
            await channel.subscribe(self._keys.changes)
            if await channel.get_message(timeout=self._silence_s) is None:
                raise RedisError("no answer to the subscription")
            await self._load()
            if self._failures:
                _log.info("redis feed is back", attempts=self._failures)
            self._failures = 0
            self._health.ready(PART)
            await self._follow(channel)

    async def _follow(self, channel: PubSub) -> None:
        while (received := await channel.get_message(timeout=self._silence_s)) is not None:
            if received["type"] == "message":
                await self._take(read_message(received["data"]))

    async def _take(self, message: Message) -> None:
        state = message.state
        if message.reload:
            await self._load()
            return
        if state is not None and state.epoch == self._epoch and state.seq <= self._seq:
            self._drop_parts()  # already in what was loaded
            return
        changed, goals = read_rows(message.rows)
        self._changed.update(changed)
        self._goals.update(goals)
        if state is None:
            return
        if state.epoch != self._epoch or message.prev > self._seq:  # another worker's board, or something in between was missed
            await self._load()
            return
        self._apply(state, full=False, age_s=0.0)

    async def _load(self) -> None:
        """Read everything, unless it is what the board has already."""
        self._drop_parts()
        text = await self._client.get(self._keys.state)
        if text is None:
            return
        state = read_state(text)
        if (state.epoch, state.seq) == (self._epoch, self._seq):
            return
        async with self._client.pipeline(transaction=True) as pipe:
            pipe.get(self._keys.state)
            pipe.pttl(self._keys.alive)
            pipe.hgetall(self._keys.rows)
            text, left_ms, rows = await pipe.execute()
        if text is None:
            return
        state = read_state(text)
        if len(rows) != state.total:  # flushed or restarted: the publisher will notice and announce a new whole
            return
        self._changed, self._goals = read_rows(rows)
        age_s = (ALIVE_MS - left_ms) / 1000
        if left_ms <= 0:  # nobody publishes: since when is the publisher's word, that it is stale is Redis's
            age_s = max(STALE_AFTER_S, (self._wall() - state.published_at) / 1000)
        self._apply(state, full=True, age_s=age_s)

    def _apply(self, state: State, *, full: bool, age_s: float) -> None:
        self._board.publish(state.snapshot(self._changed, self._goals, full=full), age_s)
        self._epoch, self._seq = state.epoch, state.seq
        self._changed, self._goals = {}, {}

    def _drop_parts(self) -> None:
        self._changed, self._goals = {}, {}
