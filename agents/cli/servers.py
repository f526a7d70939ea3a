"""`firstline check` and `firstline topics`: is everything there that the processes will need?"""

from typing import TYPE_CHECKING, Annotated

import typer

from agents.cli.common import FailedError, PolicyFile, counted, policy_of, tell
from agents.cli.settings import Brokers, kafka_away, need_kafka, settings_of
from agents.reach import unreachable
from streams.policy import Policy

if TYPE_CHECKING:
    from agents.settings import Settings

_ANSWER_S = 3.0


def check(policy: PolicyFile = None, brokers: Brokers = None) -> None:
    """Checks the policy, the connections to Kafka and Redis, and the topics; exit 2 for a bad policy, 1 for what does not answer.

    \b
    Examples:
      firstline check
      firstline check --policy policy.toml --brokers kafka:9092
    """
    rules = policy_of(policy)
    _say("policy", [], _summary(rules))
    settings = settings_of(brokers=brokers)
    away = unreachable(settings.brokers)
    well = _say("kafka", [kafka_away(settings.brokers, away)] if away else [], settings.brokers)
    if away is None:
        well &= _say("topics", _topics(settings), "all there, with matching partitions")
    well &= _say("redis", _redis(settings), _without_password(settings.redis_url))
    if not well:
        raise typer.Exit(1)


def topics(
    create: Annotated[bool, typer.Option("--create/--check", help="Create what is missing, or only look.  [default: --check]")] = False,
    brokers: Brokers = None,
) -> None:
    """Creates or verifies the topics: partitions alike, the processor's own compacted.

    \b
    Examples:
      firstline topics --create --brokers kafka:9092
      FIRSTLINE_TOPIC_PREFIX=test. FIRSTLINE_PARTITIONS=12 firstline topics --create
    """
    from agents import topics as kafka

    settings = settings_of(brokers=brokers)
    need_kafka(settings)
    try:
        made = kafka.create(settings) if create else []
    except kafka.TopicsError as exc:
        raise FailedError(str(exc)) from exc
    for name in made:
        typer.echo(f"created  {name}")
    if not _say("topics", _topics(settings), f"{len(kafka.wanted(settings))} are as they should be"):
        raise typer.Exit(1)


def _say(what: str, problems: list[str], good: str) -> bool:
    """A line for what is well on stdout, or one for each problem on stderr."""
    for problem in problems:
        tell(f"failed  {what}: {problem}")
    if not problems:
        typer.echo(f"ok      {what}: {good}")
    return not problems


def _summary(policy: Policy) -> str:
    parts = [f"version {policy.version}", f"time zone {policy.time_zone}"]
    for name, things in (("target", policy.targets), ("calendar", policy.calendars), ("alert", policy.alerts)):
        parts.append(counted(len(things), name))
    return ", ".join(parts)


def _topics(settings: "Settings") -> list[str]:
    from agents import topics as kafka

    try:
        return kafka.check(settings)
    except kafka.TopicsError as exc:
        return str(exc).splitlines()


def _redis(settings: "Settings") -> list[str]:
    from redis import Redis
    from redis.exceptions import RedisError

    remedy = "start it, or set FIRSTLINE_REDIS_URL to redis://host:port/0"
    try:
        with Redis.from_url(settings.redis_url, socket_connect_timeout=_ANSWER_S, socket_timeout=_ANSWER_S) as client:
            client.ping()
    except (RedisError, ValueError, OSError) as exc:
        return [f"FIRSTLINE_REDIS_URL: no Redis at {_without_password(settings.redis_url)} ({exc}); {remedy}"]
    return []


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
