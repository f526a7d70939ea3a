from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from agents.board import Board
from agents.health import Health
from agents.wallboard.server import build
from agents.wallboard.sse import Stream


class Clock:
    """Seconds that stand until they are moved."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def board(clock: Clock) -> Board:
    """Empty, named `feed`, and stale only when the clock is moved; the wall clock stands at 09:45:03 in Berlin."""
    return Board(monotonic=clock, wall=lambda: 1_794_213_903_000, epoch="feed")


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
async def client(board: Board, health: Health) -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(build(board, health, stream=Stream(board, heartbeat_s=0.2, max_viewers=3)))) as made:
        yield made
