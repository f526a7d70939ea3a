"""What is older than the policy's retention leaves a gravestone on a real Kafka, which outlives the worker that wrote it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents import topics
from streams.events import encode, make, pack
from streams.ledger_records import GRAVE, parse_key
from tests.integration.centre import Centre, small
from tests.integration.kafka_server import KafkaServer

pytestmark = pytest.mark.kafka
OPTIONS = {"POLICY": 'retention = "1h"', "RETIRE_EVERY": "0.3"}
HOUR_MS = 3_600_000


@pytest.fixture
def centre(kafka: KafkaServer, tmp_path: Path) -> Iterator[Centre]:
    settings = small(kafka.address)
    centre = Centre(settings, tmp_path, 2)
    yield centre
    centre.end()


def graves(centre: Centre) -> set[str | None]:
    """Subjects with a gravestone."""
    keys = [(parse_key(key or b""), value) for _, key, value, _ in centre.read(topics.LEDGER)]
    return {key.subject for key, value in keys if key.chunk == GRAVE and value is not None}


def test_a_retired_interaction_leaves_a_gravestone_that_refuses_what_comes_later_also_after_a_restart(centre: Centre) -> None:
    now = int(time.time() * 1000)
    old = [
        make(kind, now - 2 * HOUR_MS + n, str(n), "pbx", queue="a") for n, kind in enumerate(("call.queued", "call.answered", "call.ended"))
    ]
    fresh = make("call.queued", now - 1000, "1", "pbx", queue="a")
    centre.produce([("calls", None, "old", encode("old", event)) for event in old])
    centre.produce([("calls", None, "fresh", encode("fresh", fresh))])
    worker = centre.start(**OPTIONS)
    centre.wait(lambda: graves(centre) == {"old"})
    centre.wait(lambda: centre.ledger() == {"fresh": {pack((fresh,))}})

    late = encode("old", make("call.wrapped_up", now - 2 * HOUR_MS + 9, "late", "pbx"))
    centre.produce([("calls", None, "old", late)])
    centre.wait(lambda: [value for value, _ in centre.dead_letters()] == [late])
    assert centre.dead_letters()[0][1]["firstline_reason"] == b"retired"
    assert centre.stop(worker) == 0

    again = centre.start(**OPTIONS)
    centre.produce([("calls", None, "old", encode("old", old[0]))])
    centre.wait(lambda: len(centre.dead_letters()) == 2)
    assert centre.stop(again) == 0
    assert centre.ledger() == {"fresh": {pack((fresh,))}}
