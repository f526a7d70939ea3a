import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import ClientResponse, ClientSession
from aiohttp.test_utils import TestClient

from agents.board import Board
from agents.health import Health
from agents.wallboard.sample import AT_MS, row, snapshot
from agents.wallboard.server import serve
from agents.wallboard.sse import Frames, Subscription
from streams.snapshot import CENTRE, RowKey

BILLING = RowKey(("queue",), ("Billing",), "1h")
FIGURES = (500, 400, 20.0, 1, 5.0, 1, 0)


class Event(NamedTuple):
    name: str
    id: str | None
    data: Any


class Viewer:
    """Reads a stream event by event, as a browser does."""

    def __init__(self, answer: ClientResponse) -> None:
        self._answer = answer
        self.retry: str | None = None

    async def next(self) -> Event:
        fields: dict[str, str] = {}
        async with asyncio.timeout(10):
            while True:
                line = (await self._answer.content.readline()).decode().rstrip("\n")
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif "event" in fields:
                    return Event(fields["event"], fields.get("id"), json.loads(fields["data"]))
                else:
                    self.retry = fields.pop("retry", self.retry)


@asynccontextmanager
async def watching(client: TestClient, query: str = "", last: str | None = None) -> AsyncIterator[Viewer]:
    headers = {"Last-Event-ID": last} if last else {}
    async with client.get(f"/api/v1/stream?{query}", headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "text/event-stream"
        yield Viewer(answer)


def changed(**extra: Any) -> Any:
    return snapshot(AT_MS + 500, 2, full=False, changed={BILLING: row({"queue": "Billing"}, "1h", AT_MS + 500, FIGURES)}, **extra)


async def test_the_first_event_is_the_whole_state_and_the_next_what_changed(client: TestClient, board: Board) -> None:
    board.publish(snapshot())
    async with watching(client, "by=queue") as viewer:
        first = await viewer.next()
        assert viewer.retry == "2000"
        assert (first.name, len(first.data["rows"]), len(first.data["alerts"])) == ("state", 16, 4)
        assert first.data["rows"][0]["goals"] == {"service_level": 0.8}
        board.publish(changed(alerts=snapshot().alerts))
        second = await viewer.next()
        assert (second.name, [each["segment"] for each in second.data["rows"]]) == ("delta", [{"queue": "Billing"}])
        assert second.data["state"]["at"] == "2026-11-09T09:45:03.500+01:00"
        assert "alerts" not in second.data


async def test_without_by_only_the_asked_segment_comes_with_the_asked_figures(client: TestClient, board: Board) -> None:
    board.publish(snapshot())
    async with watching(client, "segment=queue:VIP&window=today&kpi=waiting,service_level") as viewer:
        data = (await viewer.next()).data
        assert [each["segment"] for each in data["rows"]] == [{"queue": "VIP"}]
        assert (data["rows"][0]["window"], sorted(data["rows"][0]["kpis"])) == ("today", ["service_level", "waiting"])


async def test_a_viewer_that_comes_back_gets_only_what_it_missed(client: TestClient, board: Board) -> None:
    board.publish(snapshot())
    async with watching(client, "by=queue") as viewer:
        last = (await viewer.next()).id
    board.publish(changed())
    board.publish(snapshot(AT_MS + 1000, 3, full=False, changed={RowKey(("queue",), ("VIP",), "1h"): None}))
    async with watching(client, "by=queue", last) as viewer:
        event = await viewer.next()
        assert (event.name, [each["segment"] for each in event.data["rows"]]) == ("delta", [{"queue": "Billing"}])
        assert event.data["removed"] == [{"queue": "VIP"}]


async def test_an_id_of_another_server_or_subscription_gives_the_whole_state(client: TestClient, board: Board) -> None:
    board.publish(snapshot())
    async with watching(client, "by=queue") as viewer:
        last = (await viewer.next()).id
    assert last is not None and last.startswith("feed-1-")
    for query, ident in (
        ("by=queue", last.replace("feed", "beef")),
        ("by=queue&window=5m", last),
        ("by=queue", "nonsense"),
        ("by=queue", last.replace("feed-1-", "feed-99-")),
    ):
        async with watching(client, query, ident) as viewer:
            assert (await viewer.next()).name == "state"


async def test_a_slow_viewer_gets_the_newest_state_in_one_step(client: TestClient, board: Board) -> None:
    board.publish(snapshot())
    async with watching(client, "by=queue") as viewer:
        await viewer.next()
        for tick in range(2, 30):
            board.publish(snapshot(AT_MS + tick * 500, tick))
        event = await viewer.next()
        assert event.data["state"]["tick"] == 29


async def test_going_stale_is_told_without_any_snapshot(client: TestClient, board: Board, clock: Any) -> None:
    board.publish(snapshot())
    async with watching(client) as viewer:
        await viewer.next()
        clock.seconds += 5
        event = await viewer.next()
        assert (event.name, event.data["state"]["status"]) == ("status", "stale")
        assert (await viewer.next()).name == "heartbeat"


async def test_a_viewer_who_comes_to_a_stale_board_is_told_even_when_the_frame_is_shared(
    client: TestClient, board: Board, clock: Any
) -> None:
    board.publish(snapshot())
    async with watching(client) as viewer:
        await viewer.next()
    clock.seconds += 60
    async with watching(client) as viewer:
        assert (await viewer.next()).data["state"]["status"] == "live"
        assert (await viewer.next()).data["state"]["status"] == "stale"


async def test_a_quiet_stream_has_heartbeats(client: TestClient, board: Board) -> None:
    async with watching(client) as viewer:
        assert (await viewer.next()).data["state"]["status"] == "starting"
        assert (await viewer.next()).name == "heartbeat"
        assert (await viewer.next()).name == "heartbeat"


async def test_a_segment_that_does_not_exist_yet_is_waited_for_but_nonsense_is_refused(client: TestClient, board: Board) -> None:
    board.publish(snapshot())
    async with watching(client, "segment=queue:Later") as viewer:
        assert (await viewer.next()).data["rows"] == []
    async with client.get("/api/v1/stream?window=2h") as answer:
        assert answer.status == 400
        assert "window: '2h'" in (await answer.json())["error"]


async def test_too_many_viewers_are_refused_with_the_remedy(client: TestClient, board: Board) -> None:
    async with watching(client) as one, watching(client) as two, watching(client) as three:
        for viewer in (one, two, three):
            await viewer.next()
        async with client.get("/api/v1/stream") as answer:
            assert answer.status == 503
            assert (await answer.json())["error"] == "viewers: 3 pages are open already; close some or run another wallboard"


def test_a_frame_is_serialised_once_for_all_viewers_of_a_subscription() -> None:
    board = Board()
    board.publish(snapshot())
    frames = Frames(board)
    sub = Subscription(CENTRE, (("queue",),), "1h", ())
    first = frames.since(sub, None)
    assert frames.since(sub, None).data is first.data
    board.publish(changed())
    assert frames.since(sub, None).data is not first.data


async def test_an_open_stream_does_not_keep_the_server_from_ending(board: Board) -> None:
    board.publish(snapshot())
    runner, url = await serve(board, Health(), port=0)
    async with ClientSession() as session, session.get(f"{url}/api/v1/stream") as answer:
        await Viewer(answer).next()
        async with asyncio.timeout(1.5):
            await runner.cleanup()
        assert await answer.content.read() == b""
