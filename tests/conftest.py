"""Real servers, one of each a session. What is missing skips its tests with a reason; in CI (CI=true) it fails them."""

import os
from collections.abc import Iterator
from typing import NoReturn, TypeVar

import pytest

from tests.integration.kafka_server import KafkaServer, ServerUnavailable
from tests.integration.redis_server import RedisServer

Server = TypeVar("Server", KafkaServer, RedisServer)


def unavailable(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def running(server: Server) -> Iterator[Server]:
    """The server while it runs, for a fixture to yield."""
    try:
        server.start()
    except ServerUnavailable as exc:
        unavailable(str(exc))
    yield server
    server.kill()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A running Apache Kafka; its topics outlive the test, so choose names of your own."""
    yield from running(KafkaServer(tmp_path_factory.mktemp("kafka")))


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A running Redis, shared by all tests: use keys of your own, or flush it first."""
    yield from running(RedisServer(tmp_path_factory.mktemp("redis")))
