"""Settings for commands: the environment, a few options over it, and the check that Kafka is there."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agents.cli.common import FailedError
from agents.reach import unreachable
from streams.errors import FirstlineError

if TYPE_CHECKING:
    from agents.settings import Settings

Brokers = Annotated[
    str | None, typer.Option("--brokers", metavar="HOST:PORT[,…]", envvar="FIRSTLINE_BROKERS", help="Kafka.  [default: 127.0.0.1:9092]")
]


class SettingError(FirstlineError):
    """An environment variable that cannot be used."""


def settings_of(**options: Any) -> "Settings":
    """The settings of the environment, with every option that is not None put over them. Raises `SettingError`."""
    # Not at the top: `report` needs no settings, and pydantic takes longer to load than a small recording.
    from pydantic import ValidationError

    from agents.settings import Settings

    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as exc:
        raise SettingError("\n".join(_told(*each["loc"], given=each["input"], why=each["msg"]) for each in exc.errors())) from None


def _told(*field: object, given: object, why: str) -> str:
    return f"FIRSTLINE_{'_'.join(map(str, field)).upper()}: {given!r}: {why}; mend or unset it"


def need_kafka(settings: "Settings") -> None:
    """Raises `FailedError` within seconds if no broker listens."""
    reason = unreachable(settings.brokers)
    if reason is not None:
        raise FailedError(kafka_away(settings.brokers, reason))


def kafka_away(brokers: str, reason: str) -> str:
    """What to say when no broker listens."""
    return f"FIRSTLINE_BROKERS (--brokers): no Kafka at {brokers} ({reason}); start it, or set the brokers to host:port of one that runs"
