"""The changelog of the ledger through thousands of kills, sleeps, refused sends and rebalances, at any point between two appends."""

import asyncio
import random
from collections import Counter

import pytest

from agents.batching import changelog
from tests.unit.changelog_simulation import Cluster, stop

CLUSTERS = 250
STEPS = 600


@pytest.fixture
def stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changelog, "stop_at_once", stop)
    monkeypatch.setattr(changelog._log, "info", lambda *_, **__: None)


@pytest.mark.usefixtures("stopping")
def test_nothing_committed_is_lost_and_nothing_comes_back() -> None:
    first = random.randrange(1 << 32)
    broken: Counter[str] = Counter()
    for seed in range(first, first + CLUSTERS):
        cluster = Cluster(seed)
        try:
            asyncio.run(cluster.run(STEPS))
        except BaseException as exc:
            pytest.fail(f"seed {seed}: {exc!r}")
        broken.update(cluster.counts)
    assert broken["killed"] + broken["put to sleep"] + broken["sends refused"] > 1000, broken
