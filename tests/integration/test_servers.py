"""The servers that other tests rely on."""

import pytest
from confluent_kafka.admin import AdminClient
from redis import Redis

from tests.integration.kafka_server import KafkaServer
from tests.integration.redis_server import RedisServer


@pytest.mark.kafka
def test_kafka_answers(kafka: KafkaServer) -> None:
    assert len(AdminClient({"bootstrap.servers": kafka.address}).list_topics(timeout=10).brokers) == 1


@pytest.mark.redis
def test_redis_answers(redis_server: RedisServer) -> None:
    with Redis.from_url(redis_server.url) as client:
        assert client.ping()
