"""The page in a real browser: it shows what the API says, follows the stream, says when it is stale, and asks nobody else for anything."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agents.board import Board
from agents.health import Health
from agents.wallboard.sample import AT_MS, row, snapshot
from agents.wallboard.server import serve
from streams.snapshot import RowKey
from tests.browser.chromium import Page, chromium

pytestmark = pytest.mark.browser

TILES = "[...document.querySelectorAll('.tile')].map(tile => tile.innerText.split(/\\n+/).join(' | '))"
QUEUES = "[...document.querySelectorAll('#queues tr')].map(line => [...line.cells].map(cell => cell.innerText.trim()).join(' | '))"
STATE = "document.querySelector('#state').innerText"


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Iterator[Clock]:
    yield Clock()


@pytest.fixture
def board(clock: Clock) -> Board:
    return Board(monotonic=clock, wall=lambda: AT_MS)


@pytest.fixture
async def url(board: Board) -> AsyncIterator[str]:
    runner, url = await serve(board, Health(), port=0)
    yield url
    await runner.cleanup()


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with chromium(tmp_path / "profile") as made:
        yield made


async def test_the_page_shows_the_figures_and_follows_them(page: Page, board: Board, url: str, clock: Clock) -> None:
    board.publish(snapshot())
    await page.open(url)
    await page.until(f"{STATE} === '● Live'")
    tiles = await page.ask(TILES)
    assert tiles[0] == "Service level | 78.7 % | goal 80 % | n 2,504 | ✕ below goal"
    assert tiles[1] == "First response | 25 s | p90 59 s | target – | • no single target"
    assert tiles[2].startswith("Waiting | 95 | longest 3:39 h | ")
    queues = await page.ask(QUEUES)
    assert queues[0].split(" | ")[0] == "(none)"
    assert queues[1].split(" | ")[0] == "Billing"
    assert [each["segment"] for each in board.alerts() if each["state"] != "resolved"] == [
        {"queue": "Billing"},
        {"queue": "Technical support"},
        {},
    ]
    assert await page.ask("document.querySelectorAll('#alerts li').length") == 3
    assert await page.ask("document.querySelector('#alerts li .since').innerText") == "since 09:33"
    assert await page.ask("document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth")

    bad = row({"queue": "Sales"}, "1h", AT_MS, (100, 10, 200.0, 3, 99.0, 3, 0))
    board.publish(snapshot(AT_MS + 1000, 2, full=False, changed={RowKey(("queue",), ("Sales",), "1h"): bad}, alerts=[]))
    await page.until(f"{QUEUES}[0].startsWith('Sales')")
    await page.until("document.querySelector('#alerts-more').innerText === '✓ No alerts'")
    assert await page.ask("document.querySelector('#clock').innerText") == "09:45:04"

    clock.seconds += 5
    await page.until(f"{STATE} === '✕ Stale since 09:45'")
    assert page.complaints == []
    assert page.requests
    assert [each for each in page.requests if not each.startswith((url, "data:", "about:"))] == []


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1024, 768), (390, 844)])
async def test_no_label_runs_out_of_its_tile(page: Page, board: Board, url: str, width: int, height: int) -> None:
    board.publish(snapshot())
    await page.open(url, width, height, "light")
    await page.until(f"{STATE} === '● Live'")
    over = await page.ask(
        "[...document.querySelectorAll('.tile')].map(tile => { const badge = tile.querySelector('.badge'); badge.hidden = false;"
        " badge.textContent = '• none past target';"
        " return badge.getBoundingClientRect().right - tile.getBoundingClientRect().right; })"
    )
    assert len(over) == 6
    assert max(over) <= 0


async def test_no_value_is_a_dash_and_the_window_can_be_chosen(page: Page, board: Board, url: str) -> None:
    board.publish(snapshot())
    await page.open(f"{url}/?segment=queue:Night%20line")
    await page.until(f"{TILES}[0].startsWith('Service level | – | ')")
    assert await page.ask("document.querySelector('h1').innerText") == "Queue Night line"
    assert (await page.ask(TILES))[2] == "Waiting | 0 | longest – | ✓ nobody waits"
    await page.ask("(() => { const w = document.querySelector('#window'); w.value = '5m'; w.dispatchEvent(new Event('change')); })()")
    await page.until("location.search.includes('window=5m')")
    await page.until("document.querySelector('#window').value === '5m'")
    await page.until(f"{TILES}[0].startsWith('Service level | – | ')")
    assert page.complaints == []


async def test_before_the_first_snapshot_nothing_looks_like_a_figure(page: Page, board: Board, url: str) -> None:
    await page.open(url, 390, 844, "light")
    await page.until(f"{STATE} === '… No figures yet'")
    assert await page.ask("[...document.querySelectorAll('.value')].map(each => each.innerText).join('')") == "––––––"
    assert await page.ask("document.querySelector('#queues-more').innerText") == "No queues yet"
    board.publish(snapshot())
    await page.until(f"{QUEUES}.length === 15")
    assert await page.ask("document.documentElement.scrollWidth <= innerWidth")
    assert page.complaints == []
