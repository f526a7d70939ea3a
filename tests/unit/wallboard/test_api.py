import asyncio
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from agents.board import Board
from agents.health import Health
from agents.wallboard.sample import AT_MS, snapshot


async def get(client: TestClient, path: str, status: int = 200) -> Any:
    async with client.get(path) as answer:
        body = await answer.json()
        assert answer.status == status, body
        return body


async def test_the_whole_centre_over_an_hour_is_the_default(client: TestClient, board: Board) -> None:
    board.publish(snapshot())
    row = await get(client, "/api/v1/kpis")
    assert row["segment"] == {}
    assert (row["window"], row["start"], row["end"]) == ("1h", "2026-11-09T08:45:03+01:00", "2026-11-09T09:45:03+01:00")
    assert row["kpis"]["service_level"] == {"value": 0.786741214057508, "numerator": 1970, "n": 2504}
    assert row["goals"] == {"service_level": 0.8}
    assert (row["at"], row["policy"], row["state"]["status"]) == ("2026-11-09T09:45:03+01:00", "sample", "live")


@pytest.mark.parametrize(
    ("query", "segment"),
    [
        ("segment=queue:VIP", {"queue": "VIP"}),
        ("segment=queue:Billing,priority:1", {"queue": "Billing", "priority": "1"}),
        ("segment=priority:1&segment=queue:Billing", {"queue": "Billing", "priority": "1"}),
        ("segment=queue:", {"queue": None}),
        ("segment=queue:Chat:%20web,%20app", {"queue": "Chat: web, app"}),
    ],
)
async def test_a_segment_is_found_however_it_is_written(client: TestClient, board: Board, query: str, segment: dict[str, str]) -> None:
    board.publish(snapshot())
    assert (await get(client, f"/api/v1/kpis?{query}&window=5m"))["segment"] == segment


async def test_no_population_is_null_and_not_zero(client: TestClient, board: Board) -> None:
    board.publish(snapshot())
    kpis = (await get(client, "/api/v1/kpis?segment=queue:Night%20line"))["kpis"]
    assert kpis["service_level"] == {"value": None, "n": 0}
    assert kpis["longest_wait"]["value"] is None
    assert kpis["waiting"]["value"] == 0


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/api/v1/kpis?window=2h", 400, "window: '2h' is not in the policy; use one of 5m, 1h, today"),
        ("/api/v1/kpis?segment=queue:Nope", 404, "segment: there is nothing known of 'queue:Nope'; /api/v1/segments lists what there is"),
        ("/api/v1/kpis?segment=PS", 400, "segment: 'PS' is not dimension:value; write for example segment=queue:PS"),
        ("/api/v1/kpis?segment=shoe:42", 400, "segment: no segmentation has the dimension 'shoe'; use one of agent, priority, queue"),
        ("/api/v1/kpis?segment=priority:1", 400, "segment: the policy has no segmentation 'priority'; it has agent; queue; queue,priority"),
        ("/api/v1/kpis?segment=queue:a,queue:b", 400, "segment: 'queue' is given twice; a segment has one value a dimension"),
        ("/api/v1/kpis?segment=agent:ann&window=5m", 404, "window: agent:ann has no '5m'; it has 1h, today"),
        ("/api/v1/segments?by=shoe", 400, "by: the policy has no segmentation 'shoe'; it has agent; queue; queue,priority"),
        ("/api/v1/kpis?windw=1h", 400, "windw: unknown parameter; known: segment, window"),
        ("/api/v1/kpis?by=queue", 400, "by: unknown parameter; known: segment, window"),
        ("/api/v1/kpis?window=1h&window=5m", 400, "window: given 2 times; give it once"),
        ("/api/v1/segments?window=1h", 400, "window: unknown parameter; known: by"),
        ("/api/v1/alerts?state=firing", 400, "state: unknown parameter; remove it, there are none here"),
        ("/api/v1/stream?kpis=backlog", 400, "kpis: unknown parameter; known: segment, by, window, kpi"),
        ("/api/v1/stream?window=1h&window=1h", 400, "window: given 2 times; give it once"),
        ("/static/", 404, "path: there is nothing at '/static/'; see / and /api/v1/segments"),
        ("/static", 404, "path: there is nothing at '/static'; see / and /api/v1/segments"),
        ("/api/v1/nothing", 404, "path: there is nothing at '/api/v1/nothing'; see / and /api/v1/segments"),
    ],
)
async def test_a_wrong_request_is_told_the_field_and_the_remedy(
    client: TestClient, board: Board, path: str, status: int, error: str
) -> None:
    board.publish(snapshot())
    assert await get(client, path, status) == {"error": error}


@pytest.mark.parametrize("path", ["/api/v1/kpis", "/api/v1/segments", "/api/v1/alerts"])
async def test_before_the_first_snapshot_there_is_no_answer_rather_than_an_empty_one(client: TestClient, path: str) -> None:
    assert await get(client, path, 503) == {"error": "snapshot: no figures yet; /readyz says what is waited for"}


async def test_segments_are_listed_with_their_windows_the_missing_value_first(client: TestClient, board: Board) -> None:
    board.publish(snapshot())
    body = await get(client, "/api/v1/segments")
    assert body["windows"] == ["5m", "1h", "today"]
    assert body["segments"][0] == {"by": [], "segment": {}, "windows": ["5m", "1h", "today"]}
    assert body["segments"][1] == {"by": ["agent"], "segment": {"agent": "ann"}, "windows": ["1h", "today"]}
    assert body["segments"][2]["segment"] == {"queue": None}
    assert len((await get(client, "/api/v1/segments?by=priority,queue"))["segments"]) == 1


async def test_alerts_have_the_shape_of_the_alerts_topic(client: TestClient, board: Board) -> None:
    board.publish(snapshot())
    body = await get(client, "/api/v1/alerts")
    assert body["at"] == "2026-11-09T09:45:03+01:00"
    assert [alert["id"] for alert in body["alerts"]] == ["a1", "a2", "a3", "a4"]
    assert body["alerts"][0]["segment"] == {"queue": "Billing"}


async def test_stale_figures_are_still_served_and_say_so(client: TestClient, board: Board, clock: Any) -> None:
    board.publish(snapshot())
    clock.seconds += 6
    state = (await get(client, "/api/v1/kpis"))["state"]
    assert (state["status"], state["stale_since"]) == ("stale", "2026-11-09T09:45:03+01:00")


async def test_ready_only_with_fresh_figures_and_every_part(client: TestClient, board: Board, health: Health, clock: Any) -> None:
    health.not_ready("topics", "'calls' has 3 partitions and 'chats' 6; run firstline topics")
    body = await get(client, "/readyz", 503)
    assert body["reasons"] == ["topics: 'calls' has 3 partitions and 'chats' 6; run firstline topics", "snapshot: none yet"]
    health.ready("topics")
    board.publish(snapshot(complete=False, missing=(2,)))
    body = await get(client, "/readyz")
    assert (body["status"], body["reasons"], body["missing"]) == ("ready", [], [2])
    board.publish(snapshot(AT_MS + 500, rebuilding=True))
    assert (await get(client, "/readyz", 503))["reasons"] == ["recovery: figures are being rebuilt"]
    clock.seconds += 5
    assert (await get(client, "/readyz", 503))["reasons"] == ["snapshot: stale since 2026-11-09T09:45:03+01:00"]


async def test_parts_named_at_the_start_are_waited_for() -> None:
    health = Health("topics", "recovery")
    assert health.reasons() == ["topics: not ready yet", "recovery: not ready yet"]
    health.ready("topics")
    assert health.reasons() == ["recovery: not ready yet"]


async def test_alive_while_every_task_runs_even_with_a_broken_policy(client: TestClient, health: Health) -> None:
    release = asyncio.Event()

    async def fails() -> None:
        await release.wait()
        raise ValueError("boom")

    task = asyncio.create_task(fails())
    health.watch_task("rollup", task)
    health.policy_error = "policy.toml: tick: write 500ms"
    assert await get(client, "/healthz") == {"status": "ok", "tasks": {"rollup": "alive"}, "policy_error": "policy.toml: tick: write 500ms"}
    release.set()
    await asyncio.wait([task])
    body = await get(client, "/healthz", 503)
    assert (body["status"], body["tasks"]) == ("failed", {"rollup": "failed: ValueError: boom"})
