"""Settings of all processes: one frozen object, read from the environment (prefix `FIRSTLINE_`) when a command starts, never at import."""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Each field is the environment variable of its name, in capitals, after `FIRSTLINE_`. Times are seconds."""

    model_config = SettingsConfigDict(env_prefix="FIRSTLINE_", frozen=True, extra="ignore", use_attribute_docstrings=True)

    brokers: str = "127.0.0.1:9092"
    """Kafka's bootstrap servers, host:port, separated by commas."""
    group: str = "firstline"
    """Consumer group of the workers; also the name of their application."""
    topic_prefix: str = Field("", max_length=200)
    """Put before the name of every topic: letters, digits, `.`, `_` and `-`."""
    partitions: int = Field(4, ge=1, le=1000)
    """Partitions of the interaction topics, when they are created; `firstline check` says if those that exist have others."""
    replication: int = Field(1, ge=1, le=9)
    """Replicas of every topic, when it is created; 3 on a cluster."""
    redis_url: str = "redis://127.0.0.1:6379/0"
    """Where workers publish the board and wallboards read it."""
    redis_prefix: str = "firstline:"
    """Put before every key in Redis; another for each centre that shares a Redis."""
    policy: Path | None = None
    """The policy file; without one every default applies."""
    metrics_host: str = "127.0.0.1"
    """Address that `/metrics` listens on."""
    metrics_port: int = Field(9464, ge=0, le=65535)
    """Port of `/metrics`; 0 takes any free one."""
    session_timeout: float = Field(10.0, ge=1.0, le=60.0)
    """A worker that Kafka has not heard of for so long loses its partitions."""
    commit_interval: float = Field(1.0, ge=0.1, le=60.0)
    """After a crash at most this much is read again."""
    ready_lag: int = Field(100_000, ge=0)
    """A worker with more events than this still to read says in `/readyz` that it is behind."""
    clock: Literal["wall", "recording"] = "wall"
    """`recording`: time is that of the events, for replays."""
    embedded: bool = False
    """The brokers are the embedded one: it makes its topics itself and cannot be asked about them."""

    @field_validator("topic_prefix")
    @classmethod
    def _topic_name(cls, prefix: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9._-]*", prefix):
            raise PydanticCustomError("topic_prefix", "a topic's name has only letters, digits, '.', '_' and '-'")
        return prefix

    def topic(self, name: str) -> str:
        """A topic's name on the cluster."""
        return self.topic_prefix + name
