"""The report against an oracle written apart from it (DuckDB, tests/oracle): every figure of real recordings and a synthetic day.

Each recording is compared as a whole, a part of it for every kind of window, and at twenty random instants. Deriving a whole recording anew
for each instant would take the oracle minutes, so all instants but one see some of the interactions alive within some days before them.
"""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agents.connectors import convert
from agents.synthetic import generate
from streams import events
from tests.compared import Compared, product_rows, recording_of

DATA = Path(os.environ.get("FIRSTLINE_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")
DAY = 86_400_000
SEED = 20261122

FILES = {
    "bank1999": ("calls_bank_1999/january_1999.tsv.gz", "calls_bank_1999/february_1999.tsv.gz"),
    "servicenow": ("tickets_servicenow_2016/incident_event_log_part1.csv.gz",),
    "ubuntu-irc": ("chats_ubuntu_irc/ubuntu_irc.csv.gz",),
}
DAYS, INTERACTIONS = 20, 400
"""How many days before an instant, and how many interactions at most, most of the twenty comparisons see."""
POLICIES = {
    "bank1999": """
        version = "b"
        time_zone = "Asia/Jerusalem"
        week_starts = "sunday"
        [calendars.bank]
        hours = { mon-thu = ["07:00-13:00", "15:30-23:30"], fri = ["07:00-12:00"], sun = ["08:00-24:00"] }
        holidays = { country = "IL" }
        closed = [1999-02-02]
        [[targets]]
        match = { queue = "P?" }
        calendar = "bank"
        [[targets]]
        match = { queue = "NE" }
        first_response = "30s"
        service_level = { within = "30s", missed = "ignored", short_missed = "0s" }
        [[targets]]
        match = { priority = "2" }
        service_level = { missed = "positive" }""",
    "servicenow": """
        version = "s"
        time_zone = "UTC"
        [[targets]]
        match = { channel = "ticket" }
        first_response = "4h"
        resolution = "2d"
        [calendars.desk]
        time_zone = "Europe/Rome"
        hours = { mon-fri = ["08:30-13:00", "14:00-18:30"] }
        holidays = { country = "IT" }
        [[targets]]
        match = { priority = "1*" }
        calendar = "desk"
        resolution = "8h"
        service_level = { missed = "handled_only" }""",
    "ubuntu-irc": """
        version = "i"
        time_zone = "America/New_York"
        [[targets]]
        match = { channel = "chat" }
        first_response = "90s"
        service_level = { within = "2m", missed = "handled_only" }""",
    "synthetic": """
        version = "y"
        after_hours = "include"
        [calendars.day]
        hours = { mon-sun = ["09:00-16:45"] }
        [[targets]]
        calendar = "day"
        [[targets]]
        match = { channel = "ticket" }
        resolution = "2h"
        [[targets]]
        match = { channel = "chat", priority = "high" }
        first_response = "20s"
        service_level = { within = "30s", missed = "positive" }""",
}
SEGMENTATIONS = (
    ["queue"], ["channel"], ["team"], ["agent"], ["queue", "priority"], ["reason"], ["medium", "language"], ["queue", "agent"],
    ["product", "region"], ["customer_segment", "tenant"],
)  # fmt: skip
CLOCK = (["weekday"], ["hour"], ["queue", "hour"])
LIVE = ("1m", "5m", "15m", "30m", "1h", "day", "week", "month", "quarter", "all")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The file of a recording, converted once."""
    folder = tmp_path_factory.mktemp("oracle")

    def file(source: str) -> Path:
        path = folder / source
        if not path.exists():
            if source == "synthetic":
                lines: Iterator[bytes] = generate(5, 1, "outage")
            else:
                if not DATA.is_dir():
                    pytest.skip(f"the real recordings are not here ({DATA}); FIRSTLINE_DATA names their folder")
                lines = convert(source, [DATA / name for name in FILES[source]])
            with path.open("wb") as out:
                out.writelines(lines)
        return path

    return file


@pytest.mark.parametrize("source", POLICIES)
def test_every_window_and_segmentation_of_a_recording(source: str, recordings: Callable[[str], Path], tmp_path: Path) -> None:
    whole = Compared([recordings(source)], POLICIES[source])
    found = whole.differences("all", ([], *SEGMENTATIONS, *CLOCK)) + whole.differences("month", [["queue"]])
    path = Part(whole, recordings(source), tmp_path)(whole.first + 9 * DAY, random.Random(SEED), over_by=whole.first + 25 * DAY)
    part = Compared([path], POLICIES[source])
    for window in ("1h", "24h", "day", "week", "7h", "month", "quarter"):
        found += part.differences(window)
    found += part.differences("4h", [["queue"], ["agent"], ["hour"], ["priority"]])
    found += part.differences("day", [["team"]], start=part.first + (part.last - part.first) // 3)
    assert not found, found[:10]


@pytest.mark.parametrize("source", POLICIES)
def test_twenty_random_instants_of_a_recording(source: str, recordings: Callable[[str], Path], tmp_path: Path) -> None:
    chance = random.Random(f"{SEED} {source}")
    whole = Compared([recordings(source)], POLICIES[source])
    times = sorted(event.time for each in whole.recording.subjects.values() for event in each)
    instants = [chance.choice(times) + chance.randrange(1, 3_600_000) for _ in range(20 if source in FILES else 6)]
    found = at_an_instant(whole, min(max(instants[0], whole.first + 1), whole.last), chance)
    part = Part(whole, recordings(source), tmp_path)
    for at in instants[1:]:
        found += at_an_instant(Compared([part(at, chance)], POLICIES[source]), at, chance)
    assert not found, (SEED, found[:10])


def at_an_instant(compared: Compared, at: int, chance: random.Random) -> list[str]:
    """Some live windows that end at an instant, and a row from anywhere to it."""
    found = []
    for window in chance.sample(LIVE, 3):
        found += compared.differences(window, chance.choice(((), chance.sample(SEGMENTATIONS, 3))), at=at)
    by = chance.choice((chance.sample(SEGMENTATIONS, 3), CLOCK))
    return found + compared.differences("all", by, start=at - chance.randrange(1000, 3 * DAY), at=at)


class Part:
    """Writes some of the interactions of a recording that were alive within some days before an instant, with all their events."""

    def __init__(self, compared: Compared, path: Path, folder: Path) -> None:
        subjects = compared.recording.subjects.items()
        self.alive = {subject: (min(event.time for event in each), max(event.time for event in each)) for subject, each in subjects}
        self.lines: dict[str, list[bytes]] = {}
        for line in path.read_bytes().splitlines(keepends=True):
            self.lines.setdefault(events.decode(line)[0], []).append(line)
        self.folder = folder

    def __call__(self, at: int, chance: random.Random, over_by: int = 1 << 60) -> Path:
        path = self.folder / f"{at}.jsonl"
        alive = [subject for subject, (first, last) in self.alive.items() if first < at and at - DAYS * DAY <= last < over_by]
        if len(alive) > INTERACTIONS:
            alive = chance.sample(alive, INTERACTIONS)
        path.write_bytes(b"".join(line for subject in alive for line in self.lines[subject]))
        return path


@pytest.mark.parametrize("source", ["ubuntu-irc", "synthetic"])
def test_order_repeats_and_files_change_no_row(source: str, recordings: Callable[[str], Path], tmp_path: Path) -> None:
    lines = recordings(source).read_bytes().splitlines(keepends=True)
    chance = random.Random(SEED)
    disturbed = lines + chance.sample(lines, len(lines) // 10)
    chance.shuffle(disturbed)
    paths = [tmp_path / f"{n}.jsonl" for n in range(3)]
    for n, path in enumerate(paths):
        path.write_bytes(b"".join(disturbed[n::3]))
    compared = Compared(paths, POLICIES[source])
    plain = recording_of(lines)
    assert compared.differences("quarter", [["queue"], ["priority"]]) == []
    for window, by in (("month", [["queue"]]), ("all", [["team", "hour"], ["agent"]])):
        assert product_rows(compared.recording, compared.policy, window, by) == product_rows(plain, compared.policy, window, by)
