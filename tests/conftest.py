"""Real servers, one of each a session. What is missing skips its tests with a reason; in CI (CI=true) it fails them."""

import os
from collections.abc import Iterator
from typing import NoReturn

import pytest

from tests.integration.kafka_server import KafkaServer, ServerUnavailable
from tests.integration.redis_server import RedisServer


def unavailable(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A running Apache Kafka; its topics outlive the test, so choose names of your own."""
    server = KafkaServer(tmp_path_factory.mktemp("kafka"))
    try:
        server.start()
    except ServerUnavailable as exc:
        unavailable(str(exc))
    yield server
    server.kill()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A running Redis, shared by all tests: use keys of your own, or flush it first."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    try:
        server.start()
    except ServerUnavailable as exc:
        unavailable(str(exc))
    yield server
    server.kill()
