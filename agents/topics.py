"""Every topic Firstline reads or writes: creation and verification. A worker would ignore a topic missing at its start for ever."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType

from agents.broker import PARTITIONS as EMBEDDED_PARTITIONS
from agents.settings import Settings
from streams.errors import FirstlineError
from streams.events import INTERACTION_TOPICS, TOPICS

LEDGER = "ledger-interactions"
PARTIALS = "partials"
DEAD_LETTERS = "dead-letters"
KPIS = "kpis"
ALERTS = "alerts"

_TIMEOUT_S = 15.0
_COMPACT = {"cleanup.policy": "compact"}
_LARGEST_RECORD = {"max.message.bytes": str(4 << 20)}
"""A chunk of the ledger may hold one event of 1 MiB, which can be larger when packed; a dead letter has headers besides its original."""


class TopicsError(FirstlineError):
    """Topics cannot be used as they are; the message has a line for each, with what is wrong and the remedy."""


@dataclass(frozen=True)
class Topic:
    """A topic as it should be."""

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)

    @property
    def compacted(self) -> bool:
        return self.config.get("cleanup.policy") == "compact"


def wanted(settings: Settings) -> list[Topic]:
    """All topics, under their names on the cluster."""
    n = settings.partitions
    plain = [Topic(name, n) for name in TOPICS]
    own = [
        Topic(LEDGER, n, _COMPACT | _LARGEST_RECORD),
        Topic(PARTIALS, 1, _COMPACT),
        Topic(KPIS, 1, _COMPACT),
        Topic(ALERTS, 1, _COMPACT),
        Topic(DEAD_LETTERS, n, _LARGEST_RECORD),
    ]
    return [Topic(settings.topic(topic.name), topic.partitions, topic.config) for topic in plain + own]


def create(settings: Settings) -> list[str]:
    """Creates what is missing and returns its names; nothing if existing topics do not fit together. Raises `TopicsError`."""
    admin = _admin(settings)
    existing = _partitions(admin, settings)
    if uneven := _uneven(settings, existing):
        raise TopicsError("\n".join(uneven))
    count = _agreed(settings, existing) or settings.partitions
    missing = [topic for topic in wanted(settings.model_copy(update={"partitions": count})) if topic.name not in existing]
    if not missing:
        return []
    new = [NewTopic(topic.name, topic.partitions, settings.replication, config=topic.config) for topic in missing]
    problems: list[str] = []
    for name, done in admin.create_topics(new, request_timeout=_TIMEOUT_S).items():
        try:
            done.result(_TIMEOUT_S)
        except KafkaException as exc:
            if exc.args[0].name() != "TOPIC_ALREADY_EXISTS":  # another worker was quicker
                problems.append(_not_created(name, exc.args[0], settings))
    if problems:
        raise TopicsError("\n".join(dict.fromkeys(problems)))
    _wait_until_known(admin, settings, {topic.name for topic in missing})
    return [topic.name for topic in missing]


def _not_created(name: str, error: KafkaError, settings: Settings) -> str:
    """Why a topic could not be created, by the variable that is to blame; without the topic's name where all topics share the fault."""
    why = error.str().rstrip(".")
    if error.name() == "INVALID_REPLICATION_FACTOR":
        return f"FIRSTLINE_REPLICATION: {settings.replication}: {why}; set it to at most the number of brokers"
    if error.name() == "TOPIC_EXCEPTION":
        return f"FIRSTLINE_TOPIC_PREFIX: {settings.topic_prefix!r}: {why}; set another prefix"
    return f"topic {name}: cannot be created: {why}; create it yourself or grant the right to"


def check(settings: Settings) -> list[str]:
    """What is wrong with the topics, a sentence each with the remedy; empty if nothing. Raises `TopicsError` without an answer.

    That the setting of the partitions is not what is there is a fault here, for it was expected to hold. It stops no worker: the topics'
    own number counts.
    """
    admin = _admin(settings)
    existing = _partitions(admin, settings)
    problems = _faults(admin, settings, existing)
    there = _agreed(settings, existing)
    if there not in (None, settings.partitions) and "partitions" in settings.model_fields_set:
        problems.append(
            f"FIRSTLINE_PARTITIONS: {settings.partitions}, but the interaction topics have {there}, and theirs counts; "
            f"set it to {there} or unset it"
        )
    return problems


def _faults(admin: AdminClient, settings: Settings, existing: dict[str, int]) -> list[str]:
    """What no worker can run with."""
    topics = wanted(settings)
    problems = [f"topic {t.name}: is missing; run `firstline topics --create`" for t in topics if t.name not in existing]
    problems += _uneven(settings, existing)
    partials = settings.topic(PARTIALS)
    if existing.get(partials, 1) != 1:
        problems.append(
            f"topic {partials}: {existing[partials]} partitions, but one reader needs all rows; "
            "stop the workers, delete it and run `firstline topics --create`, they fill it anew"
        )
    found = _configs(admin, [topic.name for topic in topics if topic.name in existing])
    for topic in topics:
        if topic.name not in found:
            continue
        policy = found[topic.name]["cleanup.policy"]
        if topic.compacted and policy != "compact":
            problems.append(f"topic {topic.name}: cleanup.policy is {policy}, state would expire; set it to compact")
        if not topic.compacted and "compact" in policy:
            problems.append(f"topic {topic.name}: cleanup.policy is {policy}, events of one key would be removed; set it to delete")
    return problems


def ensure(settings: Settings) -> int:
    """Creates what is missing, verifies all and returns the number of interaction partitions. Raises `TopicsError`."""
    if settings.embedded:
        return EMBEDDED_PARTITIONS
    create(settings)
    admin = _admin(settings)
    existing = _partitions(admin, settings)
    problems = _faults(admin, settings, existing)
    if problems:
        raise TopicsError("\n".join(problems))
    return _agreed(settings, existing) or settings.partitions


def configs(settings: Settings, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """The configuration of topics, by their names without prefix. Raises `TopicsError`."""
    wanted_names = {settings.topic(name): name for name in names}
    return {wanted_names[name]: config for name, config in _configs(_admin(settings), wanted_names).items()}


def alter(settings: Settings, name: str, config: dict[str, str]) -> None:
    """Sets configuration values of a topic. Raises `TopicsError`."""
    entries = [ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in config.items()]
    resource = ConfigResource(ResourceType.TOPIC, settings.topic(name), incremental_configs=entries)
    admin = _admin(settings)  # held until the answers are there
    for altered in admin.incremental_alter_configs([resource], request_timeout=_TIMEOUT_S).values():
        try:
            altered.result(_TIMEOUT_S)
        except KafkaException as exc:
            raise TopicsError(f"topic {settings.topic(name)}: cannot be altered: {exc.args[0].str()}; grant AlterConfigs") from exc


def _wait_until_known(admin: AdminClient, settings: Settings, names: set[str]) -> None:
    """A broker learns of a topic a moment after the controller has created it."""
    deadline = time.monotonic() + _TIMEOUT_S
    while unknown := names - _partitions(admin, settings).keys():
        if time.monotonic() > deadline:
            raise TopicsError(f"topics {', '.join(sorted(unknown))}: created, but unknown to {settings.brokers} after {_TIMEOUT_S:.0f} s")
        time.sleep(0.05)


def _interaction_topics(settings: Settings) -> list[str]:
    return [settings.topic(name) for name in (*INTERACTION_TOPICS, LEDGER)]


def _agreed(settings: Settings, existing: dict[str, int]) -> int | None:
    """The partition count of those interaction topics that exist, if they agree."""
    counts = {existing[name] for name in _interaction_topics(settings) if name in existing}
    return counts.pop() if len(counts) == 1 else None


def _uneven(settings: Settings, existing: dict[str, int]) -> list[str]:
    counts = {name: existing[name] for name in _interaction_topics(settings) if name in existing}
    if len(set(counts.values())) < 2:
        return []
    most = max(counts.values())
    return [
        f"topic {name}: {count} partitions, but another interaction topic has {most}, so one subject's events would not meet; "
        f"if all are empty, give it {most} (kafka-topics --alter --partitions {most}), else copy the events into new topics "
        "(`firstline replay --from-kafka`, docs/operations.md)"
        for name, count in counts.items()
        if count != most
    ]


def _admin(settings: Settings) -> AdminClient:
    return AdminClient({"bootstrap.servers": settings.brokers, "socket.timeout.ms": int(_TIMEOUT_S * 1000), "log_level": 0})


def _partitions(admin: AdminClient, settings: Settings) -> dict[str, int]:
    try:
        found = admin.list_topics(timeout=_TIMEOUT_S).topics
    except KafkaException as exc:
        raise TopicsError(
            f"Kafka at {settings.brokers} does not answer ({exc.args[0].str()}); start it, or set FIRSTLINE_BROKERS to host:port"
        ) from exc
    return {name: len(topic.partitions) for name, topic in found.items()}


def _configs(admin: AdminClient, names: Iterable[str]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    out: dict[str, dict[str, str]] = {}
    if not resources:
        return out
    for resource, described in admin.describe_configs(resources, request_timeout=_TIMEOUT_S).items():
        try:
            out[resource.name] = {name: entry.value for name, entry in described.result(_TIMEOUT_S).items()}
        except KafkaException as exc:
            raise TopicsError(f"topic {resource.name}: its settings cannot be read: {exc.args[0].str()}; grant DescribeConfigs") from exc
    return out
