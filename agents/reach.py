"""Whether a server listens at all: an answer in seconds, where Kafka's own clients would go on trying."""

import socket
from urllib.parse import urlsplit

from streams.errors import FirstlineError

_CONNECT_S = 3.0


class AddressError(FirstlineError):
    """A text that is no host:port."""


def brokers(text: str) -> list[tuple[str, int]]:
    """Host and port of every broker of a list such as "a:9092,[::1]:9092". Raises `AddressError`."""
    out = []
    for part in text.split(","):
        try:
            found = urlsplit(f"//{part.strip()}")
            host, port = found.hostname, found.port
        except ValueError:
            host = port = None
        if not host or not port:
            raise AddressError(f'FIRSTLINE_BROKERS (--brokers): "{part.strip()}" is no broker; write host:port, such as 127.0.0.1:9092')
        out.append((host, port))
    return out


def unreachable(text: str) -> str | None:
    """Why none of the brokers of a list takes connections; None if one does. Raises `AddressError`."""
    reasons = []
    for host, port in brokers(text):
        try:
            socket.create_connection((host, port), timeout=_CONNECT_S).close()
        except OSError as exc:
            reasons.append(f"{host}:{port}: {exc.strerror or exc}")
        else:
            return None
    return "; ".join(reasons)
