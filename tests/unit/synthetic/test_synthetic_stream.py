"""The endless stream of the demo."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise, takewhile

import pytest

from agents.synthetic import Record, ScenarioName, stream
from streams.events import TOPIC_OF, decode

NIGHT = datetime(2026, 3, 8, 2, 30, tzinfo=UTC)
NIGHT_MS = 1_772_937_000_000


def first(minutes: float, scenario: ScenarioName = "calm", *, always_open: bool = True, start: datetime = NIGHT) -> Iterator[Record]:
    begin = int(start.timestamp() * 1000)
    return takewhile(lambda record: record.time < begin + minutes * 60_000, stream(7, scenario, start, always_open=always_open))


def test_a_record_has_its_subject_as_key_and_goes_to_the_topic_of_its_type() -> None:
    times = []
    for record in first(3):
        subject, event = decode(record.value)
        assert record.key.decode() == subject
        assert record.topic == TOPIC_OF[event.type]
        assert record.time == event.time
        times.append(record.time)
    assert times[0] >= NIGHT_MS
    assert all(one <= other for one, other in pairwise(times))


def test_the_demo_is_busy_in_the_first_seconds_of_a_sunday_night() -> None:
    kinds = [decode(record.value)[1].type for record in first(0.25)]
    assert kinds.count("call.started") >= 5
    assert kinds.count("call.answered") >= 1
    assert "chat.started" in kinds
    # The agents were at work before: nobody finds an empty house, nor a queue that cannot be served.
    assert 100 < sum(1 for _ in first(1)) < 1500


def answered_waits(scenario: ScenarioName, minutes: float) -> list[tuple[float, float]]:
    """(answer, wait) of the service queue, in seconds since the start."""
    entered: dict[str, int] = {}
    found = []
    for record in first(minutes, scenario):
        subject, event = decode(record.value)
        if event.type == "call.queued" and event.data.queue == "service":
            entered.setdefault(subject, event.time)
        elif event.type == "call.answered" and subject in entered:
            found.append(((event.time - NIGHT_MS) / 1000, (event.time - entered.pop(subject)) / 1000))
    return found


def rolling_mean(found: list[tuple[float, float]], at: float) -> float:
    """Over the last five minutes, as an alert would see it."""
    window = [wait for instant, wait in found if at - 300 <= instant < at]
    return sum(window) / len(window)


@pytest.mark.parametrize(("at", "breached"), [(60, False), (240, True), (720, False), (990, True), (1440, False)])
def test_a_watcher_sees_each_outage_come_and_go(at: float, breached: bool) -> None:
    assert (rolling_mean(OUTAGE, at) > 20) is breached


OUTAGE = answered_waits("outage", 25)


def test_the_demos_calm_stays_within_the_target() -> None:
    found = answered_waits("calm", 15)
    assert max(rolling_mean(found, at) for at in range(60, 900, 30)) < 20


def test_the_demos_monday_never_meets_it() -> None:
    found = answered_waits("monday", 15)
    assert min(rolling_mean(found, at) for at in range(300, 900, 30)) > 20


def test_the_same_seed_and_start_give_the_same_records() -> None:
    assert list(first(2, "outage")) == list(first(2, "outage"))


def test_another_start_has_other_subjects() -> None:
    later = datetime(2026, 3, 8, 2, 31, tzinfo=UTC)
    assert {record.key for record in first(1)}.isdisjoint(record.key for record in first(1, start=later))


def test_a_centre_with_nights_goes_on_day_after_day() -> None:
    days = {record.time // 86_400_000 for record in first(60 * 24 * 4, always_open=False)}
    assert [day - NIGHT_MS // 86_400_000 for day in sorted(days)] == [0, 1, 2, 3, 4]
