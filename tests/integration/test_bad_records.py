"""Records as no source should send them, on a real Kafka: each becomes a dead letter, untouched, and what comes after it is read."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from confluent_kafka import Producer

from agents import topics
from streams.events import encode, make, pack
from tests.integration.centre import START_MS, Centre, small
from tests.integration.kafka_server import KafkaServer

pytestmark = pytest.mark.kafka
Headers = Sequence[tuple[str, bytes | None]]
BINARY: Headers = (
    ("ce_id", b"b1"),
    ("ce_source", b"pbx"),
    ("ce_type", b"call.queued"),
    ("ce_time", b"2023-11-14T22:13:20Z"),
    ("ce_subject", b"binary"),
    ("content-type", b"application/json"),
)
LONG = b'{"id":"1","source":"s","type":"call.queued","time":"2023-11-14T22:13:20Z","subject":"s","data":{"queue":"%s"}}'
BAD: dict[str, tuple[bytes | None, Headers, str, str]] = {
    "broken JSON": (b'{"id": "1", ', (), "malformed", "$"),
    "NUL bytes": (b"\x00" * 10, (), "malformed", "$"),
    "invalid UTF-8": (LONG % b"\xff", (), "malformed", "$"),
    "a tombstone": (None, (), "malformed", "$"),
    "no id in binary mode": (b"{}", BINARY[1:], "missing_field", "$.id"),
    "year 1970": (encode("s", make("call.queued", 0, "1", "s")), (), "time_out_of_range", "$.time"),
    "year 2100": (encode("s", make("call.queued", 4_102_444_800_000, "1", "s")), (), "time_out_of_range", "$.time"),
    "an unknown type": (LONG.replace(b"queued", b"sung") % b"q", (), "unknown_type", "$.type"),
    "a long queue": (LONG % (b"q" * 1001), (), "wrong_kind", "$.data.queue"),
    "as large as a topic takes": (b"x" * 1_048_450, (), "malformed", "$"),
    "2 MB": (b"x" * 2_000_000, (), "too_large", "$"),
}


@pytest.fixture
def centre(kafka: KafkaServer, tmp_path: Path) -> Iterator[Centre]:
    settings = small(kafka.address)
    topics.alter(settings, "calls", {"max.message.bytes": str(16 << 20)})
    centre = Centre(settings, tmp_path, 2)
    yield centre
    centre.end()


def send(centre: Centre, value: bytes | None, headers: Headers = (), key: bytes | None = b"key", **config: object) -> None:
    producer = Producer({"bootstrap.servers": centre.settings.brokers, "message.max.bytes": 16 << 20, "log_level": 0, **config})
    producer.produce(centre.settings.topic("calls"), value, key, partition=0, headers=list(headers))
    assert producer.flush(30) == 0


def test_every_bad_record_becomes_a_dead_letter_and_the_stream_goes_on(centre: Centre) -> None:
    for value, headers, _, _ in BAD.values():
        send(centre, value, headers)
    huge = b"x" * 10_000_000
    send(centre, huge)
    send(centre, None, key=None)
    good = make("call.queued", START_MS, "good", "pbx", queue="sales")
    centre.produce([("calls", None, "good", encode("good", good))])
    worker = centre.start()
    centre.wait_until_read()
    assert centre.stop(worker) == 0
    letters = [(value, {name: each.decode() for name, each in headers.items()}) for value, headers in centre.dead_letters()]
    found = [(value, about["firstline_reason"], about["firstline_path"]) for value, about in letters]
    wanted = [*((value, r, p) for value, _, r, p in BAD.values()), (b"", "too_large", "$"), (b"", "malformed", "$")]
    # At least once is what is promised: a worker that lost its partitions for a moment tells of the same records again.
    assert Counter(found).keys() == Counter(wanted).keys()
    assert all(Counter(found)[letter] % number == 0 for letter, number in Counter(wanted).items())
    [told, *_] = [about for _, about in letters if "firstline_left_out_bytes" in about]
    assert told["firstline_left_out_bytes"] == str(len(huge) + len(b"key"))
    assert (told["firstline_topic"], told["firstline_partition"], told["firstline_offset"]) == (
        centre.settings.topic("calls"),
        "0",
        str(len(BAD)),
    )
    assert centre.ledger() == {"good": {pack((good,))}}


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_every_codec_of_kafka_can_be_read(centre: Centre, codec: str) -> None:
    event = make("call.queued", START_MS, "e1", "pbx", queue="q" * 900)
    send(centre, encode(codec, event), **{"compression.type": codec})
    send(centre, b"{}", BINARY)
    worker = centre.start()
    centre.wait_until_read()
    assert centre.stop(worker) == 0
    sets = {subject: events for subject, events in centre.ledger().items() if subject != "recording"}
    assert sets == {codec: {pack((event,))}, "binary": {pack((make("call.queued", START_MS, "b1", "pbx"),))}}
