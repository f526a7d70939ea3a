"""Publishes the board to Redis for wallboard processes.

It follows the board as any viewer does, so the rollup never waits for Redis: while Redis is away nothing piles up, and afterwards all that
changed since the last success goes out at once.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from agents.board import Board
from agents.board_views import Change
from agents.wire import ALIVE_MS, DEFAULT_PREFIX, Message, State, Value, field, keys
from streams.snapshot import Snapshot

_log = structlog.get_logger(__name__)

Sleep = Callable[[float], Awaitable[None]]

_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 5.0
_IDLE_S = 1.0
_ROWS_A_COMMAND = 500
_MESSAGE_BYTES = 512 * 1024
"""Larger changes are split, so that no subscriber's output buffer overflows at a single message."""
_KEPT_MS = 24 * 3600 * 1000
"""Redis forgets the board of a site that has not published for a day."""


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row, with jitter: several processes must not come back in step."""
    longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(failures - 1, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret


class RedisPublisher:
    """Hands every new state of the board to Redis; `run` never ends by itself. `failed` is told of each failure, to count it."""

    def __init__(
        self,
        board: Board,
        client: Redis,
        *,
        prefix: str = DEFAULT_PREFIX,
        failed: Callable[[], None] = lambda: None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._board = board
        self._client = client
        self._keys = keys(prefix)
        self._failed = failed
        self._sleep = sleep
        self._since: int | None = None
        self.failures = 0
        """Failures in a row; 0 while all is well."""

    async def run(self) -> None:
        """Follow the board for ever."""
        while True:
            seen = self._since or 0
            # A final state is handed over again and again: nothing newer comes that would fill a Redis restarted since.
            if await self._board.newer_than(seen, _IDLE_S) == seen and self._board.status().status != "final":
                continue
            whole = self._since is None
            try:
                await self.hand_over()
            except (RedisError, OSError) as exc:  # redis-py's own time-outs are RedisErrors
                self.failures += 1
                self._failed()
                if self.failures == 1:  # once an outage, not once an attempt
                    _log.warning("redis away: boards go stale until it is back", error=str(exc))
                await self._sleep(backoff(self.failures))
            else:
                if self.failures:
                    _log.info("redis is back", attempts=self.failures)
                self.failures = 0
                if whole and self._since is None:  # should two boards ever fight for a prefix, not without a pause
                    await self._sleep(_IDLE_S)

    async def hand_over(self) -> None:
        """Bring Redis to the board's present state. Raises RedisError; to try again is harmless, since each write is a state."""
        change = self._board.changes(self._since)
        if change.snapshot is None:
            return
        state = self._state(change, change.snapshot)
        whole = change.since is None
        values = ((key, Value(row, change.goals.get((key.by, key.values), {}))) for key, row in change.rows.items())
        encoded = {field(key): msgspec.json.encode(value) for key, value in values}
        if whole:
            await self._write_incoming(encoded)
        gone = [field(key) for key in change.removed]
        async with self._client.pipeline(transaction=True) as pipe:
            if whole:
                if encoded:
                    pipe.rename(self._keys.incoming, self._keys.rows)
                else:
                    pipe.delete(self._keys.rows)
            else:
                self._write(pipe, self._keys.rows, encoded)
                if gone:
                    pipe.hdel(self._keys.rows, *gone)
            pipe.set(self._keys.state, msgspec.json.encode(state), px=_KEPT_MS)
            pipe.set(self._keys.alive, state.epoch, px=ALIVE_MS, get=True)
            pipe.pexpire(self._keys.rows, _KEPT_MS)
            messages = self._messages(change, state, encoded, gone)
            for message in messages:
                pipe.publish(self._keys.changes, message)
            pipe.hlen(self._keys.rows)
            answers = await pipe.execute()
        former, stored = answers[-3 - len(messages)], answers[-1]
        ours = former is None or former == state.epoch.encode()
        # Another number of rows than ours: Redis was flushed or restarted. Another epoch: another board was published. Then all goes out.
        self._since = change.seq if stored == change.total and (whole or ours) else None

    async def _write_incoming(self, encoded: dict[str, bytes]) -> None:
        await self._client.delete(self._keys.incoming)
        async with self._client.pipeline(transaction=False) as pipe:
            self._write(pipe, self._keys.incoming, encoded)
            await pipe.execute()

    @staticmethod
    def _write(pipe: Redis, name: str, encoded: dict[str, bytes]) -> None:
        items = list(encoded.items())
        for at in range(0, len(items), _ROWS_A_COMMAND):
            pipe.hset(name, mapping=dict(items[at : at + _ROWS_A_COMMAND]))

    def _state(self, change: Change, last: Snapshot) -> State:
        return State(
            epoch=self._board.epoch, seq=change.seq, published_at=time.time_ns() // 1_000_000, total=change.total, at=last.at,
            tick=last.tick, policy=last.policy, complete=last.complete, missing=last.missing, rebuilding=last.rebuilding,
            alerts=change.alerts, spans=last.spans, windows=last.windows, time_zone=last.time_zone, final=last.final,
        )  # fmt: skip

    @staticmethod
    def _messages(change: Change, state: State, encoded: dict[str, bytes], gone: list[str]) -> list[bytes]:
        if change.since is None:
            return [msgspec.json.encode(Message(0, state, reload=True))]
        messages = []
        part: dict[str, msgspec.Raw] = {name: msgspec.Raw(b"null") for name in gone}
        size = 0
        for name, text in encoded.items():
            if size + len(text) > _MESSAGE_BYTES and part:
                messages.append(msgspec.json.encode(Message(change.since, None, part)))
                part, size = {}, 0
            part[name] = msgspec.Raw(text)
            size += len(text)
        messages.append(msgspec.json.encode(Message(change.since, state, part)))
        return messages
