"""From snapshots to alerts: whoever takes the rollup over goes on from what stands on the topic."""

import asyncio
from collections.abc import Mapping, Sequence

from agents.board import Board
from agents.intake import Outgoing
from agents.live import Live
from agents.state_log import StateLog
from streams.alert import decode
from streams.policy import DEFAULT
from streams.snapshot import Row, RowKey, Snapshot

NOON = 1_700_000_000_000
SLOW: Row = {
    "segment": {"channel": "call", "queue": "sales"}, "start": "", "end": "", "window": "5m",
    "kpis": {"first_response_time": {"n": 9, "sum": 900.0, "mean": 100.0, "p50": 100.0, "p90": 100.0, "p95": 100.0, "max": 100.0}},
}  # fmt: skip


async def _owner(topic: dict[bytes, bytes | None], seconds: Sequence[int]) -> list[tuple[str, str]]:
    """Owns the rollup for a while: its alerts at the end."""

    async def stored() -> Mapping[bytes, bytes]:
        return {key: value for key, value in topic.items() if value is not None}

    async def send(records: Sequence[Outgoing]) -> None:
        topic.update((record.key or b"", record.value) for record in records)

    alerts = StateLog("alerts", send)
    live = Live(DEFAULT, Board(), alerts=alerts, kpis=StateLog("kpis", send), stored=stored)
    writing = asyncio.create_task(alerts.run())
    for n, second in enumerate(seconds):
        rows: dict[RowKey, Row | None] = {RowKey(("channel", "queue"), ("call", "sales"), "5m"): SLOW}
        live.on_snapshot(Snapshot(at=NOON + second * 1000, tick=second, policy="default", changed=rows, full=n == 0))
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    writing.cancel()
    return [(alert.id, alert.state) for alert in map(decode, (await stored()).values())]


async def test_an_alert_outlives_its_owner_with_its_id() -> None:
    topic: dict[bytes, bytes | None] = {}
    ((first, state),) = await _owner(topic, [0, 1, 40])
    assert state == "firing"
    assert await _owner(topic, [41, 42, 90]) == [(first, "firing")]
