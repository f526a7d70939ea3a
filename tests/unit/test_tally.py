"""Distributions and tallies: exact but for percentiles, and everything can be taken back."""

from math import ceil
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.tally import Distribution, Tally

VALUES = st.lists(st.integers(0, 10**9), max_size=60)
SOME = st.lists(st.integers(0, 10**9), min_size=1, max_size=60)
EMPTY = Distribution().packed()


def facts(dist: Distribution) -> tuple[int, int, dict[int, int]]:
    return dist.n, dist.sum, dist.buckets


@given(st.one_of(SOME, st.lists(st.integers(0, 30_000), min_size=1, max_size=200)))
def test_percentiles_are_within_two_per_cent_of_the_nearest_rank(values: list[int]) -> None:
    ranked = sorted(values)
    exact = [ranked[max(1, ceil(share * len(ranked))) - 1] for share in (0.5, 0.9, 0.95)]
    for found, value in zip(Distribution(values).percentiles(0.5, 0.9, 0.95), exact, strict=True):
        assert abs(found - value) <= 0.02 * value


@given(SOME)
def test_count_sum_and_maximum_are_exact(values: list[int]) -> None:
    dist = Distribution(values)
    assert (dist.n, dist.sum, dist.max) == (len(values), sum(values), max(values))


def test_a_single_value_is_every_percentile_within_the_accuracy_and_never_above_the_maximum() -> None:
    for value in (1, 19_999, 20_000, 86_400_000):
        found = Distribution([value]).percentiles(0.5, 0.9, 0.95)
        assert all(0.98 * value <= each <= value for each in found)


def test_zeros_stay_zero() -> None:
    assert Distribution([0, 0, 0]).percentiles(0.5, 0.9, 0.95) == [0.0, 0.0, 0.0]
    assert Distribution([0] * 9 + [100_000]).percentiles(0.5, 0.9) == [0.0, 0.0]


@given(VALUES, st.randoms())
def test_what_was_added_and_taken_back_leaves_nothing(values: list[int], chance: Random) -> None:
    dist = Distribution(values)
    chance.shuffle(values)
    for value in values:
        dist.unmerge(Distribution([value]))
    assert dist.packed() == EMPTY
    assert (dist.max, dist.lost_max) == (None, False)


@given(VALUES, VALUES)
def test_merged_is_the_distribution_of_all_values(left: list[int], right: list[int]) -> None:
    dist = Distribution(left)
    dist.merge(Distribution(right))
    whole = Distribution(left + right)
    assert facts(dist) == facts(whole)
    assert dist.max == whole.max


@given(VALUES, VALUES)
def test_what_was_merged_can_be_taken_back(left: list[int], right: list[int]) -> None:
    dist, other = Distribution(left), Distribution(right)
    dist.merge(other)
    dist.unmerge(other)
    assert facts(dist) == facts(Distribution(left))
    if not left:
        assert dist.packed() == EMPTY
    assert dist.max == (max(left) if left else None) or dist.lost_max


def test_the_maximum_is_the_next_largest_after_the_largest_was_taken_back() -> None:
    dist = Distribution([3, 9, 5, 9])
    dist.unmerge(Distribution([9]))
    assert dist.max == 9
    dist.unmerge(Distribution([9]))
    assert dist.max == 5


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=60, unique=True), st.integers(1, 59))
def test_a_maximum_is_right_or_said_to_be_lost(values: list[int], taken: int) -> None:
    dist = Distribution(values)
    left = sorted(values)[: max(1, len(values) - taken)]
    for value in sorted(values)[len(left) :]:
        dist.unmerge(Distribution([value]))
    assert (dist.max is None) == dist.lost_max
    assert dist.lost_max or dist.max == left[-1]


def test_a_lost_maximum_is_found_again_from_all_values() -> None:
    dist = Distribution(range(100))
    for value in range(99, 49, -1):
        dist.unmerge(Distribution([value]))
    assert (dist.n, dist.max, dist.lost_max) == (50, None, True)
    dist.restore_top(range(50))
    assert (dist.max, dist.lost_max) == (49, False)


def test_a_value_added_while_the_maximum_is_lost_is_not_taken_for_it() -> None:
    dist = Distribution(range(100))
    for value in range(99, 49, -1):
        dist.unmerge(Distribution([value]))
    dist.add(7)
    assert dist.max is None
    assert dist.lost_max


def test_a_lost_maximum_is_adopted_from_the_parts() -> None:
    parts = [Distribution(range(100)), Distribution([250, 20])]
    whole = Distribution()
    for part in (*parts, Distribution([300] * 20)):
        whole.merge(part)
    whole.unmerge(Distribution([300] * 20))
    assert whole.lost_max
    whole.adopt_tops(parts)
    assert (whole.max, whole.lost_max) == (250, False)


def test_a_merge_with_a_part_that_lost_its_maximum_does_not_guess_one() -> None:
    lost = Distribution(range(100))
    for value in range(99, 49, -1):
        lost.unmerge(Distribution([value]))
    whole = Distribution([3])
    whole.merge(lost)
    assert (whole.n, whole.max, whole.lost_max) == (51, None, True)


def test_percentiles_need_no_maximum() -> None:
    dist = Distribution(range(1000, 1100))
    for value in range(1099, 1049, -1):
        dist.unmerge(Distribution([value]))
    assert dist.max is None
    assert dist.percentiles(0.5) == [pytest.approx(1024, rel=0.02)]


@given(VALUES)
def test_packed_comes_back_the_same(values: list[int]) -> None:
    dist = Distribution(values)
    assert Distribution.unpacked(dist.packed()).packed() == dist.packed()


def test_counts_that_come_to_nothing_are_gone() -> None:
    tally = Tally()
    tally.count("offered", 2)
    tally.value("talk", 1000)
    assert (bool(tally), tally["offered"], tally["missed"], tally.total("offered", "missed")) == (True, 2, 0, 2)
    same = Tally()
    same.count("offered", 2)
    same.value("talk", 1000)
    tally.unmerge(same)
    assert not tally
    assert tally.packed() == [{}, {}]


ENTRIES = st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 10**6)), max_size=20)


def tally_of(entries: list[tuple[str, int]]) -> Tally:
    tally = Tally()
    for measure, value in entries:
        tally.count(measure, value)
        tally.value(measure, value)
    return tally


@settings(max_examples=50)
@given(ENTRIES, ENTRIES)
def test_a_tally_merged_and_unmerged_is_the_one_before(left: list[tuple[str, int]], right: list[tuple[str, int]]) -> None:
    tally, other = tally_of(left), tally_of(right)
    tally.merge(other)
    assert tally.counts == tally_of(left + right).counts
    tally.unmerge(other)
    before = tally_of(left)
    assert tally.counts == before.counts
    assert {measure: facts(dist) for measure, dist in tally.dists.items()} == {
        measure: facts(dist) for measure, dist in before.dists.items()
    }


def test_a_packed_tally_comes_back_and_is_independent() -> None:
    tally = tally_of([("a", 5), ("b", 7)])
    again = Tally.unpacked(tally.packed())
    again.value("a", 9)
    assert (tally.dists["a"].n, again.dists["a"].n, again["b"]) == (1, 2, 7)
