"""Creation and verification of topics on a real Kafka."""

import time
from uuid import uuid4

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from agents import topics
from agents.settings import Settings
from agents.topics import TopicsError
from tests.integration.kafka_server import KafkaServer

pytestmark = pytest.mark.kafka


@pytest.fixture
def settings(kafka: KafkaServer) -> Settings:
    return Settings(brokers=kafka.address, topic_prefix=f"{uuid4().hex[:8]}-", partitions=3)


def make(settings: Settings, name: str, partitions: int, **config: str) -> None:
    admin = AdminClient({"bootstrap.servers": settings.brokers})
    admin.create_topics([NewTopic(settings.topic(name), partitions, 1, config=config)])[settings.topic(name)].result(10)


def settled(settings: Settings, *names: str) -> None:
    admin, wanted = AdminClient({"bootstrap.servers": settings.brokers}), {settings.topic(name) for name in names}
    while not wanted <= admin.list_topics(timeout=10).topics.keys():
        time.sleep(0.05)


def test_what_is_missing_is_named_then_created_once(settings: Settings) -> None:
    missing = topics.check(settings)
    assert f"topic {settings.topic('calls')}: is missing; run `firstline topics --create`" in missing
    assert len(missing) == 12
    assert len(topics.create(settings)) == 12
    assert topics.create(settings) == []
    assert topics.check(settings) == []
    assert topics.ensure(settings) == 3


def test_partitions_follow_the_topics_that_exist_already(settings: Settings) -> None:
    make(settings, "calls", 5)
    settled(settings, "calls")
    assert topics.ensure(settings) == 5
    assert topics.check(settings) == [
        "FIRSTLINE_PARTITIONS: 3, but the interaction topics have 5, and theirs counts; set it to 5 or unset it"
    ]
    assert topics.check(Settings(brokers=settings.brokers, topic_prefix=settings.topic_prefix)) == []


def test_uneven_partitions_are_refused_with_the_remedy(settings: Settings) -> None:
    make(settings, "calls", 5)
    make(settings, "chats", 3)
    settled(settings, "calls", "chats")
    with pytest.raises(TopicsError, match=f"{settings.topic('chats')}: 3 partitions, but another interaction topic has 5.*--partitions 5"):
        topics.ensure(settings)


def test_a_wrong_cleanup_policy_is_refused(settings: Settings) -> None:
    make(settings, "calls", 3, **{"cleanup.policy": "compact"})
    make(settings, topics.LEDGER, 3)
    settled(settings, "calls", topics.LEDGER)
    topics.create(settings)
    assert topics.check(settings) == [
        f"topic {settings.topic('calls')}: cleanup.policy is compact, events of one key would be removed; set it to delete",
        f"topic {settings.topic(topics.LEDGER)}: cleanup.policy is delete, state would expire; set it to compact",
    ]


def test_partials_have_one_partition(settings: Settings) -> None:
    make(settings, topics.PARTIALS, 4, **{"cleanup.policy": "compact"})
    settled(settings, topics.PARTIALS)
    message = (
        f"topic {settings.topic('partials')}: 4 partitions, but one reader needs all rows; "
        "stop the workers, delete it and run `firstline topics --create`, they fill it anew"
    )
    with pytest.raises(TopicsError) as caught:
        topics.ensure(settings)
    assert str(caught.value) == message
    assert topics.check(settings) == [message]


def test_states_that_would_expire_and_letters_that_would_be_removed_are_named(settings: Settings) -> None:
    for name in (topics.ALERTS, topics.KPIS):
        make(settings, name, 1, **{"cleanup.policy": "compact,delete"})
    for name in (topics.DEAD_LETTERS, "agents", "customers"):
        make(settings, name, 1, **{"cleanup.policy": "compact"})
    settled(settings, topics.ALERTS, topics.KPIS, topics.DEAD_LETTERS, "agents", "customers")
    topics.create(settings)
    assert sorted(topics.check(settings)) == [
        f"topic {settings.topic('agents')}: cleanup.policy is compact, events of one key would be removed; set it to delete",
        f"topic {settings.topic('alerts')}: cleanup.policy is compact,delete, state would expire; set it to compact",
        f"topic {settings.topic('customers')}: cleanup.policy is compact, events of one key would be removed; set it to delete",
        f"topic {settings.topic('dead-letters')}: cleanup.policy is compact, events of one key would be removed; set it to delete",
        f"topic {settings.topic('kpis')}: cleanup.policy is compact,delete, state would expire; set it to compact",
    ]


def test_more_replicas_than_brokers_are_refused_once_by_the_variable(settings: Settings) -> None:
    with pytest.raises(TopicsError, match=r"^FIRSTLINE_REPLICATION: 3: Unable to .*; set it to at most the number of brokers$"):
        topics.create(settings.model_copy(update={"replication": 3}))


def test_a_prefix_that_kafka_refuses_is_named_by_the_variable(settings: Settings) -> None:
    prefix = settings.topic_prefix.replace("-", "")
    make(settings.model_copy(update={"topic_prefix": f"{prefix}."}), "calls", 3)
    settled(settings.model_copy(update={"topic_prefix": f"{prefix}."}), "calls")
    with pytest.raises(TopicsError, match=rf"FIRSTLINE_TOPIC_PREFIX: '{prefix}_': Topic '{prefix}_calls' collides .*; set another prefix$"):
        topics.create(settings.model_copy(update={"topic_prefix": f"{prefix}_"}))


def test_a_broker_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "_TIMEOUT_S", 0.3)
    with pytest.raises(TopicsError, match=r"Kafka at 127.0.0.1:1 does not answer .* set FIRSTLINE_BROKERS"):
        topics.check(Settings(brokers="127.0.0.1:1"))
