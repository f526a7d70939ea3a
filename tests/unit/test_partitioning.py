"""The partition of a subject must be the one that Java and aiokafka producers choose."""

from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from streams.partitioning import murmur2, partition_of


def test_the_values_of_kafkas_own_test_suite() -> None:
    known = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536, b"a-little-bit-longer-string": -1486304829}
    assert {key: murmur2(key) - (1 << 32) for key in known} == known


@given(st.binary(max_size=60), st.integers(1, 50))
def test_aiokafka_agrees(key: bytes, partitions: int) -> None:
    assert partition_of(key, partitions) == DefaultPartitioner()(key, list(range(partitions)), list(range(partitions)))
