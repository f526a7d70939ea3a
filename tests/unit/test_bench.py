"""The bench's own arithmetic: the truth of the workload, the fold through crashes, ratios of rounds, sections of the document."""

import random
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from bench import document
from bench.peers.fold import Fold
from bench.peers.harness import Result
from bench.peers.job import Call
from bench.peers.rounds import Rounds
from bench.peers.workload import make
from streams.events import decode
from streams.ledger_records import Record, make_epoch

_call = msgspec.json.Decoder(Call).decode


def _at(offsets: Iterable[int]) -> list[SimpleNamespace]:
    """Records at these offsets."""
    return [SimpleNamespace(offset=offset) for offset in offsets]


def compacted(log: list[Record]) -> list[Record]:
    """What compaction leaves: the last record of each key, in the order of the log."""
    last = {key: at for at, (key, _) in enumerate(log)}
    return [record for at, record in enumerate(log) if last[record[0]] == at]


def test_the_workload_is_of_valid_events_and_its_truth_is_that_of_a_fold_over_them() -> None:
    sent, truth = make(3000)
    assert (len(sent), truth.events) == (3000, 3000)
    assert {decode(each.value)[0].encode() == each.key for each in sent} == {True}
    assert max(decode(each.value)[1].time for each in sent) < truth.end
    fold = Fold()
    fold.take([_call(each.value) for each in sent], _at(range(3000)))
    assert fold.totals() == truth.totals
    assert sum(total[5] for total in truth.totals.values()) > 100  # many are still open
    assert sum(truth.backlog.values()) < sum(total[5] for total in truth.totals.values())  # a missed call is over for Firstline


@pytest.mark.parametrize("seed", range(20))
def test_each_event_counts_once_however_often_the_worker_is_killed(seed: int) -> None:
    rnd = random.Random(seed)
    sent, truth = make(600, queues=3, density=20.0)
    calls = [_call(each.value) for each in sent]
    log: list[Record] = []
    committed = kills = 0
    while committed < len(calls):
        fold = Fold()
        fold.restore(compacted(log) if rnd.random() < 0.5 else log)
        epoch = make_epoch(fold.next_epoch_number, rnd.randbytes(8))
        log.append((epoch, b"\x01"))
        fold.open(epoch)
        at = committed
        while at < len(calls):
            size = rnd.randint(1, 60)
            fold.take(calls[at : at + size], _at(range(at, min(at + size, len(calls)))))
            at = min(at + size, len(calls))
            changes = fold.changes()
            if rnd.random() < 0.3:
                log += changes[: rnd.randint(0, len(changes))]  # killed while it writes, or before it commits
                kills += 1
                break
            log += changes
            if rnd.random() < 0.6:
                committed = at
    last = Fold()
    last.restore(compacted(log))
    assert last.totals() == truth.totals
    assert kills > 0


def test_a_partition_that_stays_after_a_rebalance_counts_nothing_twice() -> None:
    sent, truth = make(300, queues=3, density=20.0)
    calls = [_call(each.value) for each in sent]
    fold = Fold()
    fold.open(make_epoch(1, bytes(8)))
    fold.take(calls[:200], _at(range(200)))
    fold.changes()
    fold.close()
    fold.open(make_epoch(2, bytes(8)))
    fold.take(calls[120:], _at(range(120, 300)))  # read again from the last commit
    assert fold.totals() == truth.totals


def test_a_ratio_is_the_median_of_the_ratios_of_each_round() -> None:
    rounds = Rounds()
    rounds.results = {
        "a": [Result("a", 100, 1.0), Result("a", 100, 2.0), Result("a", 100, error="died"), Result("a", 100, 1.0)],
        "b": [Result("b", 100, 2.0), Result("b", 100, 20.0), Result("b", 100, 1.0), Result("b", 100, 3.0)],
    }
    assert rounds.ratio("a", "b", lambda each: each.rate) == 3.0  # of 2, 10 and 3
    assert rounds.ratio("a", "c", lambda each: each.rate) is None


def test_a_section_takes_the_place_of_the_one_before_and_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    for title, body in (("Scale", "first body"), ("Peers", "second body"), ("Scale", "third body\n\n```text\n# no heading\n```")):
        document.write(title, body, path)
    text = path.read_text()
    assert "first body" not in text
    assert text.index("## Peers") < text.index("second body") < text.index("## Scale") < text.index("third body")
