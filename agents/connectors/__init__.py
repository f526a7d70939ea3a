"""Connectors: the exports of other systems, one file a source, as CloudEvents of the event contract.

A connector is a name, a line of help and a function from a file to events; adding a source is adding a file and a line to `CONNECTORS`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import msgspec

from agents.connectors import bank1999, servicenow, ubuntu_irc
from agents.connectors.event import Event
from agents.recording_files import STDIN
from streams.errors import SourceError


@dataclass(frozen=True, slots=True)
class Connector:
    """Turns one export (plain or gzip) into events; `description` is its line in the command's help."""

    description: str
    read: Callable[[Path], Iterator[Event]]

    def __call__(self, path: Path) -> Iterator[Event]:
        return self.read(path)


CONNECTORS: Mapping[str, Connector] = MappingProxyType(
    {
        bank1999.SOURCE: Connector(bank1999.DESCRIPTION, bank1999.read),
        servicenow.SOURCE: Connector(servicenow.DESCRIPTION, servicenow.read),
        ubuntu_irc.SOURCE: Connector(ubuntu_irc.DESCRIPTION, ubuntu_irc.read),
    }
)
"""By the name the command line knows them by, which is also the `source` of their events."""


def convert(source: str, paths: Iterable[Path]) -> Iterator[bytes]:
    """The events of the exports `paths` (`-` is stdin) as JSON lines. Raises `SourceError`, also for an unknown `source`."""
    connector = CONNECTORS.get(source)
    if connector is None:
        raise SourceError(f"convert, argument SOURCE: {source!r} is not known; use one of {', '.join(CONNECTORS)}")
    paths = list(paths)
    if paths.count(STDIN) > 1:
        raise SourceError("convert, argument FILE: stdin (-) is given twice, but can be read once; remove one")
    return _lines(connector, paths)


def _lines(connector: Connector, paths: Iterable[Path]) -> Iterator[bytes]:
    encode = msgspec.json.Encoder().encode
    for path in paths:
        for event in connector(path):
            yield encode(event) + b"\n"
