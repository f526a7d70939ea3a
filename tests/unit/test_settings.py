"""Settings come from the environment, once."""

import pytest
from pydantic import ValidationError

from agents.settings import Settings


def test_defaults_suit_a_laptop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRSTLINE_BROKERS", raising=False)
    settings = Settings()
    assert (settings.brokers, settings.topic("calls"), settings.clock) == ("127.0.0.1:9092", "calls", "wall")


def test_the_environment_is_read_when_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTLINE_TOPIC_PREFIX", "site-")
    monkeypatch.setenv("FIRSTLINE_CLOCK", "recording")
    settings = Settings()
    assert (settings.topic("calls"), settings.clock) == ("site-calls", "recording")


WRONG = [
    ("PARTITIONS", "0"),
    ("CLOCK", "sundial"),
    ("METRICS_PORT", "70000"),
    ("SESSION_TIMEOUT", "x"),
    ("TOPIC_PREFIX", "a/b"),
    ("TOPIC_PREFIX", "a" * 201),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"FIRSTLINE_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_they_cannot_be_altered() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().partitions = 8  # type: ignore[misc]
