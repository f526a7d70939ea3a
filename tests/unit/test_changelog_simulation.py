"""The changelog of the ledger through thousands of kills, sleeps, refused sends and rebalances, at any point between two appends.

What it is worth was tried by breaking the rules in a copy, one at a time. Within 250 clusters it finds: former records buried in the same
flush as the union, or before it; messages acknowledged before the write; a failed send passed over; two flushes of a partition at a time;
what somebody else wrote in between not read; only the last chunk written under a new epoch; one epoch for all; what lies under several
epochs left alone; a gravestone that does not win at recovery, or leaves the set where it is, or comes after the burial; a chunk's border
off by one. What it does not find, because the rewriting of duplicates makes up for it: memory that is kept though a
write may be missing, and recovery that unites records which are no longer live. That duplicates must be written again was itself found
this way (then in one cluster of 400); `tests/unit/test_ledger_crashes.py` has the case.
"""

import asyncio
import random
from collections import Counter
from unittest.mock import Mock

import pytest

from agents.batching import changelog
from tests.unit.changelog_simulation import Cluster
from tests.unit.simulated_worker import Stopped, stop

CLUSTERS = 500
STEPS = 600


@pytest.fixture
def stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changelog, "stop_at_once", stop)
    monkeypatch.setattr(changelog, "_log", Mock())


@pytest.mark.usefixtures("stopping")
def test_nothing_committed_is_lost_and_nothing_comes_back() -> None:
    first = random.randrange(1 << 32)
    broken: Counter[str] = Counter()
    with asyncio.Runner() as runner:
        for seed in range(first, first + CLUSTERS):
            cluster = Cluster(seed)
            try:
                runner.run(cluster.run(STEPS))
            except (AssertionError, Stopped) as exc:
                pytest.fail(f"seed {seed}: {exc}")
            broken.update(cluster.counts)
    print(f"\nseeds {first} to {first + CLUSTERS - 1}: {dict(broken)}")
    assert broken["killed"] + broken["put to sleep"] + broken["sends refused"] > 2_000, broken
