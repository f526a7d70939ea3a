"""Which partition a subject belongs to: the murmur2 hash of Kafka's Java client and of aiokafka (librdkafka must be told to use it)."""

from array import array

_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Kafka's 32-bit murmur2, unsigned."""
    length = len(data)
    h = 0x9747B28C ^ length
    whole = length & ~3
    for word in array("I", data[:whole]):  # machine order: all platforms with wheels for our dependencies are little-endian
        k = _times_m(word)
        h = _times_m(h) ^ _times_m(k ^ k >> 24)
    if whole < length:
        h = _times_m(h ^ int.from_bytes(data[whole:], "little"))
    h = _times_m(h ^ h >> 13)
    return h ^ h >> 15


def _times_m(x: int) -> int:
    """x · M, modulo 2³². In halves, so that compiled it needs no more than a machine word."""
    return ((x & 0xFFFF) * _M + (((x >> 16) * _M & 0xFFFF) << 16)) & _MASK


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key among so many."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
