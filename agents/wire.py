"""How a board travels through Redis: the keys, what stands in them, and the client that both ends use.

`<prefix>rows` is a hash from row key to row and goals; `<prefix>state` says of which instant, board and sequence number it is;
`<prefix>alive` holds the board's epoch and expires when nobody publishes, so that age is judged by Redis's clock alone; `<prefix>changes`
is the channel of changed rows. All values are JSON.
"""

from typing import Literal, NamedTuple

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from streams.errors import FirstlineError
from streams.snapshot import Alert, Row, RowKey, Snapshot

DEFAULT_PREFIX = "firstline:"
ALIVE_MS = 5000
FORMAT: Literal["firstline.live/1"] = "firstline.live/1"


class FeedError(FirstlineError):
    """What stands in Redis cannot be read: another version wrote it, or something else uses the prefix."""


class Keys(NamedTuple):
    rows: str
    incoming: str
    state: str
    alive: str
    changes: str


def keys(prefix: str) -> Keys:
    """The keys under a prefix. `incoming` is a whole new hash while it is being written."""
    return Keys(*(prefix + name for name in ("rows", "rows:incoming", "state", "alive", "changes")))


class State(msgspec.Struct, frozen=True, kw_only=True):
    """All of a snapshot but its rows; `epoch` and `seq` are those of the publisher's board."""

    format: Literal["firstline.live/1"] = FORMAT
    epoch: str
    seq: int
    published_at: int
    """Wall clock of the publisher, ms: only shown, never compared."""
    total: int
    """How many rows the hash has with this state: with fewer it has lost some and must not be shown."""
    at: int
    tick: int
    policy: str
    complete: bool
    missing: tuple[int, ...]
    rebuilding: bool
    alerts: list[Alert]
    spans: dict[str, tuple[str, str]]
    windows: tuple[str, ...]
    time_zone: str
    final: bool

    def snapshot(self, changed: dict[RowKey, Row | None], goals: dict[RowKey, dict[str, float]], *, full: bool) -> Snapshot:
        """The snapshot of these rows."""
        return Snapshot(
            at=self.at, tick=self.tick, policy=self.policy, complete=self.complete, missing=self.missing, rebuilding=self.rebuilding,
            changed=changed, full=full, alerts=self.alerts, goals={(key.by, key.values): each for key, each in goals.items()},
            spans=self.spans, windows=self.windows, time_zone=self.time_zone, final=self.final,
        )  # fmt: skip


class Value(msgspec.Struct, frozen=True):
    """What the hash holds for a row."""

    row: Row
    goals: dict[str, float]


class Message(msgspec.Struct, frozen=True):
    """What the channel carries. With `reload` the hash is new and holds everything; otherwise `rows` leads from `prev` to the `seq` of the
    state, in one message or several, of which the last has the state. A null takes a row away."""

    prev: int
    state: State | None
    rows: dict[str, msgspec.Raw] = {}
    reload: bool = False


_VALUE = msgspec.json.Decoder(Value | None)
_FIELD = msgspec.json.Decoder(RowKey)
_STATE = msgspec.json.Decoder(State)
_MESSAGE = msgspec.json.Decoder(Message)


def field(key: RowKey) -> str:
    """A row key as the name of a hash field."""
    return msgspec.json.encode(key).decode()


def read_rows(stored: dict[bytes, bytes] | dict[str, msgspec.Raw]) -> tuple[dict[RowKey, Row | None], dict[RowKey, dict[str, float]]]:
    """Rows and goals of the hash or of a message. Raises FeedError."""
    changed: dict[RowKey, Row | None] = {}
    goals: dict[RowKey, dict[str, float]] = {}
    for name, text in stored.items():
        try:
            key, value = _FIELD.decode(name), _VALUE.decode(text)
        except msgspec.DecodeError as exc:
            raise _unreadable(f"row {name!r}", exc) from exc
        changed[key] = value.row if value else None
        if value:
            goals[key] = value.goals
    return changed, goals


def read_state(text: bytes | str) -> State:
    """The state. Raises FeedError."""
    try:
        return _STATE.decode(text)
    except msgspec.DecodeError as exc:
        raise _unreadable("state", exc) from exc


def read_message(text: bytes) -> Message:
    """A message of the channel. Raises FeedError."""
    try:
        return _MESSAGE.decode(text)
    except msgspec.DecodeError as exc:
        raise _unreadable("message", exc) from exc


def _unreadable(what: str, exc: Exception) -> FeedError:
    return FeedError(
        f"redis: {what} cannot be read ({exc}); run worker and wallboard in the same version, each site under its own key prefix"
    )


def connect(url: str) -> Redis:
    """A client that fails fast: who uses it does its own waiting. Raises FirstlineError for a URL that is none."""
    try:
        return Redis.from_url(url, socket_timeout=5.0, socket_connect_timeout=2.0, retry=Retry(NoBackoff(), 0))
    except ValueError as exc:
        raise FirstlineError(f"redis: {exc}; write redis://host:6379/0") from exc
