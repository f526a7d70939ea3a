"""Counters for Prometheus: they never fall, and the histogram has its edges where the policy's thresholds are."""

from streams import policy as policies
from streams.counters import Counters
from streams.rollup import Rollup
from streams.segments import histogram_edges
from streams.snapshot import CENTRE
from tests.unit.ledger_partition import POLICY, Partition, published


def test_counters_never_fall() -> None:
    rollup = Rollup(POLICY, 1)
    desk = Partition(rollup, 0)
    seen = []
    for tick, (kind, seconds) in enumerate(
        [("call.queued", 0), ("call.missed", 30), ("call.answered", 31), ("call.transferred", 40), ("call.missed", 60)], 1
    ):
        desk.add("c1", kind, seconds, **({"to_queue": "b"} if kind == "call.transferred" else {"queue": "a"} if tick == 1 else {}))
        desk.tick(tick * 100)
        seen.append(published(rollup).counters[CENTRE])
    assert [counters["missed"] for counters in seen] == [0, 1, 1, 1, 1]  # the answer took the first miss back
    assert [counters["offered"] for counters in seen] == [1, 1, 1, 2, 2]
    assert [counters["answered"] for counters in seen] == [0, 0, 1, 1, 1]
    assert [counters["first_response_breaches"] for counters in seen] == [1, 1, 1, 1, 1]


def test_partitions_that_change_hands_add_to_the_counters_only_what_lies_above_the_mark_of_before() -> None:
    counters = Counters(POLICY)
    seen = []
    for parts, moved in (
        ((5,), False),
        ((5, 2), False),
        ((4, 2), False),
        ((6, 2), False),
        ((3, 2), True),
        ((7,), True),
        ((6,), False),
        ((8,), False),
    ):
        counters.put(CENTRE, [{"offered": total} for total in parts], moved=moved)
        seen.append(counters.of(CENTRE)[0]["offered"])
    assert seen == [5, 7, 7, 8, 8, 10, 10, 11]


def test_the_histogram_has_an_edge_on_every_threshold() -> None:
    policy = policies.load(
        '[[targets]]\nmatch = { queue = "a" }\nfirst_response = "25s"\nservice_level = { within = "7s500ms" }\n'
        '[[targets]]\nmatch = { queue = "b" }\nfirst_response = "none"\n'
    )
    edges = histogram_edges(policy)
    assert edges == sorted(set(edges))
    assert {7_500, 20_000, 25_000, 60_000, 14_400_000} <= set(edges)


def test_a_wait_of_exactly_the_threshold_lies_below_its_edge() -> None:
    rollup = Rollup(POLICY, 1)
    desk = Partition(rollup, 0)
    for n, wait in enumerate((0, 20, 20.001, 100_000)):
        desk.add(f"c{n}", "call.queued", 0)
        desk.add(f"c{n}", "call.answered", wait)
    desk.tick(200_000)
    histogram = published(rollup).histogram[CENTRE]
    counts = dict(zip([*histogram["edges"], None], histogram["counts"], strict=True))
    assert {edge: count for edge, count in counts.items() if count} == {1.0: 1, 20.0: 1, 30.0: 1, None: 1}
    assert (histogram["sum"], histogram["count"]) == (100_040.001, 4)
