import asyncio
import gzip
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from agents.board import Board
from agents.health import Health
from agents.metrics import metric_name, registry
from agents.metrics_server import build, serve
from agents.pipeline import Pipeline
from agents.wallboard.sample import AT_MS, alert, snapshot
from streams.errors import FirstlineError
from streams.snapshot import RowKey


@dataclass(frozen=True)
class Info:
    name: str
    unit: str
    kind: str
    help: str = "Help."
    windowed: bool = True


KPIS = (
    Info("service_level", "ratio", "ratio"),
    Info("missed_rate", "ratio", "ratio"),
    Info("first_response_time", "seconds", "distribution"),
    Info("offered", "count", "count"),
    Info("net_flow", "per_hour", "gauge"),
    Info("backlog", "count", "gauge", windowed=False),
    Info("waiting", "count", "gauge", windowed=False),
    Info("longest_wait", "seconds", "gauge", windowed=False),
)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def page(board: Board, pipeline: Pipeline | None = None, windows: tuple[str, ...] = ("1h",)) -> list[str]:
    return generate_latest(registry(board, pipeline or Pipeline("1.2"), KPIS, lambda: windows)).decode().splitlines()


@pytest.fixture
def board() -> Board:
    made = Board()
    made.publish(snapshot())
    return made


@pytest.mark.parametrize(
    ("kpi", "name"),
    [
        (Info("service_level", "ratio", "ratio"), "service_level_ratio"),
        (Info("abandon_rate", "ratio", "ratio"), "abandon_ratio"),
        (Info("first_response_time", "seconds", "distribution"), "first_response_time_seconds"),
        (Info("average_response_time", "seconds", "ratio"), "average_response_time_seconds"),
        (Info("backlog", "count", "gauge", windowed=False), "backlog"),
        (Info("longest_wait", "seconds", "gauge", windowed=False), "longest_wait_seconds"),
        (Info("net_flow", "per_hour", "gauge"), "net_flow_per_hour"),
        (Info("handled", "count", "count"), "handled_in_window"),
    ],
)
def test_a_kpi_is_named_by_its_unit_and_kind(kpi: Info, name: str) -> None:
    assert metric_name(kpi) == name


@pytest.mark.parametrize(
    "line",
    [
        'firstline_service_level_ratio{by="queue",queue="VIP",window="1h"} 0.975609756097561',
        'firstline_service_level_goal_ratio{by="queue",queue="VIP",window="1h"} 0.8',
        'firstline_missed_ratio{by="all",window="1h"} 0.07108626198083066',
        'firstline_first_response_time_seconds{by="all",stat="mean",window="1h"} 24.6',
        'firstline_backlog{by="all"} 262.0',
        'firstline_longest_wait_seconds{by="queue",queue="Billing"} 97.0',
        'firstline_waiting{by="queue",queue=""} 1.0',
        'firstline_waiting{by="queue,priority",priority="1",queue="Billing"} 1.0',
        'firstline_offered_total{by="queue",queue="VIP"} 41.0',
        'firstline_answered_within_target_total{by="queue",queue="VIP"} 40.0',
        'firstline_first_response_seconds_bucket{by="queue",le="20.0",queue="Billing"} 257.0',
        'firstline_first_response_seconds_bucket{by="queue",le="60.0",queue="Billing"} 361.0',
        'firstline_first_response_seconds_bucket{by="queue",le="+Inf",queue="Billing"} 361.0',
        'firstline_first_response_seconds_count{by="queue",queue="Billing"} 361.0',
        'firstline_alert_active{by="queue",channel="",name="first_response_time_breach",priority="",'
        'queue="Billing",severity="page",team=""} 1.0',
        "firstline_snapshot_timestamp_seconds 1.794213903e+09",
        'firstline_build_info{version="1.2"} 1.0',
        "firstline_policy_error 0.0",
        'firstline_dead_letters_total{reason="malformed"} 0.0',
    ],
)
def test_the_page_has_the_series(board: Board, line: str) -> None:
    assert line in page(board)


def test_no_value_is_no_sample(board: Board) -> None:
    night = [line for line in page(board) if 'queue="Night line"' in line]
    assert 'firstline_waiting{by="queue",queue="Night line"} 0.0' in night
    assert not [
        line for line in night if line.startswith(("firstline_service_level_ratio", "firstline_first_response_time", "firstline_longest"))
    ]


def test_agents_never_become_labels(board: Board) -> None:
    assert not [line for line in page(board) if "agent=" in line or '"ann"' in line]


def test_only_the_windows_of_the_policy_are_exported(board: Board) -> None:
    assert not [line for line in page(board) if 'window="5m"' in line]
    assert [line for line in page(board, windows=("5m", "today")) if 'window="5m"' in line]
    assert 'firstline_backlog{by="all"} 262.0' in page(board, windows=())


def test_pending_and_resolved_alerts_are_not_active(board: Board) -> None:
    assert len([line for line in page(board) if line.startswith("firstline_alert_active{")]) == 2


def test_alerts_that_differ_only_in_the_agent_are_one_series_with_their_number() -> None:
    board = Board()
    firing = [alert(name, "long_idle", "info", "firing", segment={"agent": name}, since=AT_MS, detail="") for name in ("ann", "bob")]
    board.publish(snapshot(alerts=firing))
    active = [line for line in page(board) if line.startswith("firstline_alert_active{")]
    assert active == ['firstline_alert_active{by="agent",channel="",name="long_idle",priority="",queue="",severity="info",team=""} 2.0']


def test_an_empty_name_beside_the_missing_one_makes_no_series_twice() -> None:
    board = Board()
    whole = snapshot()
    row = whole.changed[RowKey(("queue",), (None,), "1h")]
    board.publish(snapshot(changed={**whole.changed, RowKey(("queue",), ("",), "1h"): row}))
    lines = page(board)
    assert len(lines) == len(set(lines))


def test_stale_gauges_end_and_counters_and_the_timestamp_stay() -> None:
    clock = Clock()
    board = Board(monotonic=clock)
    board.publish(snapshot())
    clock.seconds += 5
    names = {line.partition("{")[0].partition(" ")[0] for line in page(board) if not line.startswith("#")}
    assert "firstline_offered_total" in names
    assert "firstline_snapshot_timestamp_seconds" in names
    assert not names & {"firstline_backlog", "firstline_service_level_ratio", "firstline_alert_active"}


def test_an_empty_board_says_only_what_is_known() -> None:
    lines = [line for line in page(Board()) if not line.startswith("#") and "dead_letters" not in line]
    assert lines == [
        "firstline_duplicates_total 0.0",
        "firstline_corrections_total 0.0",
        "firstline_late_events_total 0.0",
        "firstline_segments 0.0",
        "firstline_policy_error 0.0",
        'firstline_build_info{version="1.2"} 1.0',
    ]


def test_the_pipeline_counts() -> None:
    pipeline = Pipeline("1.2")
    pipeline.add_events("calls", 10)
    pipeline.add_events("calls", 5)
    pipeline.add_dead_letters("malformed", 2)
    pipeline.add_duplicates(3)
    pipeline.add_publish_failure("redis")
    pipeline.set_lag("calls", 0, 7)
    pipeline.set_lag("calls", 1, 9)
    pipeline.drop_lag("calls", 1)
    pipeline.event_delay_seconds = 0.25
    pipeline.open_interactions = 12
    pipeline.policy_error = True
    lines = page(Board(), pipeline)
    for line in (
        'firstline_events_total{topic="calls"} 15.0',
        'firstline_dead_letters_total{reason="malformed"} 2.0',
        "firstline_duplicates_total 3.0",
        'firstline_publish_failures_total{to="redis"} 1.0',
        'firstline_consumer_lag_events{partition="0",topic="calls"} 7.0',
        "firstline_event_delay_seconds 0.25",
        "firstline_open_interactions 12.0",
        "firstline_policy_error 1.0",
    ):
        assert line in lines
    assert not [line for line in lines if 'partition="1"' in line]


def test_an_unknown_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="reason: 'bad luck' is not one of malformed"):
        Pipeline().add_dead_letters("bad luck")


async def test_text_or_openmetrics_as_the_scraper_asks(board: Board) -> None:
    async with TestClient(TestServer(build(registry(board, Pipeline(), KPIS, lambda: ("1h",))))) as client:
        async with client.get("/metrics") as answer:
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            assert "# TYPE firstline_offered_total counter" in await answer.text()
        wanted = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"}
        async with client.get("/metrics", headers=wanted) as answer:
            assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
            text = await answer.text()
            assert text.endswith("# EOF\n")
            assert "_created" not in text
            assert {"firstline_offered", "firstline_service_level_ratio"} <= {
                family.name for family in text_string_to_metric_families(text)
            }


async def test_the_page_is_packed_for_whoever_can_unpack_it(board: Board) -> None:
    async with TestClient(TestServer(build(registry(board, Pipeline(), KPIS, lambda: ("1h",)))), auto_decompress=False) as client:
        async with client.get("/metrics", headers={"Accept-Encoding": "gzip"}) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert b"firstline_backlog" in gzip.decompress(await answer.read())
        async with client.get("/metrics", headers={"Accept-Encoding": "identity"}) as answer:
            assert "Content-Encoding" not in answer.headers
            assert b"firstline_backlog" in await answer.read()


async def test_the_loop_goes_on_while_a_large_page_is_made() -> None:
    board = Board()
    whole = snapshot()
    row = whole.changed[RowKey(("queue",), ("Billing",), "1h")]
    board.publish(snapshot(changed={RowKey(("queue",), (str(n),), "1h"): row for n in range(1500)}))
    turns = 0

    async def other_work() -> Any:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with TestClient(TestServer(build(registry(board, Pipeline(), KPIS, lambda: ("1h",))))) as client:
        work = asyncio.create_task(other_work())
        async with client.get("/metrics") as answer:
            assert len((await answer.text()).splitlines()) > 15_000
        work.cancel()
    assert turns > 10


async def test_who_asks_for_another_page_is_told_the_one_there_is() -> None:
    async with TestClient(TestServer(build(registry(Board(), Pipeline(), KPIS, tuple)))) as client, client.get("/") as answer:
        assert answer.status == 404
        assert await answer.json() == {"error": "path: there is nothing at '/'; see /metrics"}


async def test_a_taken_port_is_named_with_the_option() -> None:
    runner, url = await serve(registry(Board(), Pipeline(), KPIS, tuple), port=0)
    port = int(url.rsplit(":", 1)[1].removesuffix("/metrics"))
    with pytest.raises(FirstlineError, match=f"port {port} .* choose another with --metrics-port"):
        await serve(registry(Board(), Pipeline(), KPIS, tuple), port=port)
    await runner.cleanup()


async def test_the_same_port_says_whether_the_process_lives_and_is_ready() -> None:
    health = Health("partitions")
    async with TestClient(TestServer(build(registry(Board(), Pipeline(), KPIS, tuple), health))) as client:
        async with client.get("/readyz") as answer:
            assert answer.status == 503
            assert await answer.json() == {"status": "not ready", "reasons": ["partitions: not ready yet"], "lag_events": None}
        async with client.get("/healthz") as answer:
            assert (answer.status, (await answer.json())["status"]) == (200, "ok")
        health.ready("partitions")
        health.not_ready("lag", "behind by 12,345 events")
        health.lag_events = 12_345
        async with client.get("/readyz") as answer:
            assert await answer.json() == {"status": "not ready", "reasons": ["lag: behind by 12,345 events"], "lag_events": 12_345}
        health.ready("lag")
        health.lag_events = 7
        async with client.get("/readyz") as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "ready", "reasons": [], "lag_events": 7})
        health.watch("ticks", lambda: "failed: no more")
        async with client.get("/healthz") as answer:
            assert (answer.status, (await answer.json())["tasks"]) == (503, {"ticks": "failed: no more"})
