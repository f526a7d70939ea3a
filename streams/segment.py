"""One segment of one ledger partition: its windows, open items and running totals, and how its partial row is stored."""

import msgspec

from streams.cells import Cell
from streams.open_items import OpenItems
from streams.tally import Tally
from streams.turns import turn_of

PARTIAL_VERSION = 1

_encode = msgspec.msgpack.Encoder().encode
Values = tuple[str | None, ...]


def segment_key(dims: tuple[str, ...], values: Values) -> bytes:
    """A segment's key on topics."""
    return _encode((dims, values))


class Segment:
    """One segment of one partition."""

    __slots__ = ("cells", "dims", "dirty", "key", "open", "own", "sent", "sums", "told_at", "totals", "turn", "turns", "values")

    def __init__(self, dims: tuple[str, ...], values: Values, windows: int) -> None:
        self.dims = dims
        self.values = values
        self.key = segment_key(dims, values)
        self.turns, self.turn = turn_of(dims, self.key)
        """It is told in every `turns`-th tick, the same ones in all partitions."""
        self.sums = [Tally() for _ in range(windows)]
        self.open = OpenItems()
        self.totals: dict[str, int] = {}
        self.cells: list[Cell] = []
        """The cells that add to it."""
        self.own: Cell | None = None
        """The bookings of which it takes the sum of the parts that lie in it."""
        self.sent: bytes | None = None
        self.told_at = -1
        """The instant of its last partial row; ages grow with every other one."""
        self.dirty = True

    def partial_row(self, end: int, horizon: int) -> bytes:
        """The partial row at an instant (ms), packed; `horizon` (ms) is how far `breaching_soon` looks."""
        summary = self.open.summary(end, horizon)
        return _encode((PARTIAL_VERSION, [tally.packed() for tally in self.sums], self.totals, summary.packed()))
