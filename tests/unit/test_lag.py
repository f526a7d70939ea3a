"""The silence of Kafka, measured by a clock of ours."""

from faust.types.tuples import TP

from agents.lag import Hearing

CALLS, CHATS = TP("calls", 0), TP("chats", 0)


def test_silence_is_that_of_the_partition_longest_unheard() -> None:
    hearing = Hearing()
    assert hearing.silence(100, {CALLS: 1, CHATS: 1}) == 0
    assert hearing.silence(103, {CALLS: 1, CHATS: 2}) == 3
    assert hearing.silence(104, {CALLS: 1, CHATS: 2}) == 4
    assert hearing.silence(105, {CALLS: 3, CHATS: 2}) == 2


def test_while_records_wait_for_the_worker_kafka_is_not_silent() -> None:
    hearing = Hearing()
    hearing.silence(100, {CALLS: 1})
    assert hearing.silence(200, {CALLS: None}) == 0
    assert hearing.silence(201, {CALLS: 1}) == 0
    assert hearing.silence(203, {CALLS: 1}) == 2


def test_a_partition_that_has_gone_is_forgotten() -> None:
    hearing = Hearing()
    hearing.silence(100, {CALLS: 1, CHATS: 1})
    assert hearing.silence(150, {CHATS: 2}) == 0
    assert hearing.silence(160, {CALLS: 1, CHATS: 2}) == 10
    assert Hearing().silence(1, {}) == 0
