"""From the rollup's snapshots to people: alerts are decided, the board is brought up to date, states go to their topics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import msgspec
import structlog
from aiokafka.errors import KafkaError

from agents.batching.stop import stop_at_once
from agents.board import Board
from agents.publish import backoff
from agents.state_log import StateLog
from streams.alert import StoredAlertError, as_json, decode, encode
from streams.alerting import Alerts, Kpis
from streams.events import StoredVersionError
from streams.policy import Policy
from streams.snapshot import Dims, Row, RowKey, SegmentKey, Snapshot, Values

KPIS_FORMAT = "firstline.kpis/1"
"""Of the values on the `kpis` topic: {"format", "policy", "complete", "rows"}, of one segment at one instant, keyed by the segment."""

_log = structlog.get_logger(__name__)
_json = msgspec.json.Encoder().encode


class Live:
    """What the worker that owns the rollup does with each snapshot. `stored` reads the states on the `alerts` topic."""

    def __init__(
        self, policy: Policy, board: Board, *, alerts: StateLog, kpis: StateLog, stored: Callable[[], Awaitable[Mapping[bytes, bytes]]]
    ) -> None:
        self._policy = policy
        self._board = board
        self._alert_log, self._kpi_log = alerts, kpis
        self._stored = stored
        self._alerts: Alerts | None = None
        """None until what another owner of the rollup decided has been read: no page is repeated and none forgotten."""
        self._loading: asyncio.Task[None] | None = None
        self._needed = {rule.segmentation for rule in policy.alerts}
        self._rows: dict[tuple[str, Dims, Values], Kpis] = {}
        self._segments: dict[SegmentKey, dict[str, Row]] = {}

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Takes the next snapshot; must be called on the event loop."""
        if snapshot.full:
            self._rows.clear()
            self._segments.clear()
            self._alerts = None
            if self._loading is not None:
                self._loading.cancel()
            self._loading = asyncio.create_task(self._load(), name="alerts")
        self._merge(snapshot)
        found = []
        if self._alerts is not None:
            self._alerts.step(self._rows, self._policy, snapshot.at, trusted=snapshot.complete and not snapshot.rebuilding)
            for ident, alert in self._alerts.drain():
                self._alert_log.put(ident.encode(), None if alert is None else encode(alert, self._policy.time_zone))
            found = [as_json(alert, self._policy.time_zone) for alert in self._alerts.all()]
        self._board.publish(msgspec.structs.replace(snapshot, alerts=found))

    def _merge(self, snapshot: Snapshot) -> None:
        changed: set[SegmentKey] = set()
        for key, row in snapshot.changed.items():
            segment = (key.by, key.values)
            changed.add(segment)
            if key.by in self._needed:
                self._rule_row(key, row)
            if row is None:
                self._segments.get(segment, {}).pop(key.window, None)
            else:
                self._segments.setdefault(segment, {})[key.window] = row
        for segment in changed:
            complete = snapshot.complete and not snapshot.rebuilding
            self._kpi_log.put(_json(dict(zip(*segment, strict=True))), partial(self._state, segment, snapshot.policy, complete))

    def _state(self, segment: SegmentKey, policy: str, complete: bool) -> bytes | None:
        rows = self._segments.get(segment)
        told = {"format": KPIS_FORMAT, "policy": policy, "complete": complete}
        return _json({**told, "rows": list(rows.values())}) if rows else None

    def _rule_row(self, key: RowKey, row: Row | None) -> None:
        place = (key.window, key.by, key.values)
        if row is None:
            self._rows.pop(place, None)
        else:
            self._rows[place] = row["kpis"]

    async def _load(self) -> None:
        failures = 0
        while True:
            try:
                stored = await self._stored()
                break
            except KafkaError as exc:
                failures += 1
                _log.warning("alerts cannot be read yet, so none is decided", error=str(exc))
                await asyncio.sleep(backoff(failures))
        known = []
        for ident, value in stored.items():
            try:
                known.append(decode(value))
            except StoredVersionError as exc:
                stop_at_once(str(exc))  # without what it says, pages would be repeated
            except StoredAlertError as exc:
                _log.error("a record on the alerts topic is no alert and is left alone", key=ident.decode(errors="replace"), error=str(exc))
        self._alerts = Alerts.restore(known)
