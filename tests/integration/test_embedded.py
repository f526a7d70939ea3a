"""The worker and the embedded broker in one process, as the demo runs them."""

import asyncio
import gc

from aiokafka import AIOKafkaProducer

from agents.broker import PARTITIONS, EmbeddedBroker, ReadAhead
from agents.settings import Settings
from agents.worker import Worker
from streams.events import encode, make
from streams.partitioning import partition_of
from streams.policy import load
from streams.snapshot import Snapshot

NOON = 1_700_000_000_000
CALLS = 6000
PADDING = b',"note":"%s"}' % (b"x" * 4000)  # 24 MB in all: more than the broker keeps


async def feed(brokers: str, ahead: ReadAhead) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=brokers, enable_idempotence=True)
    await producer.start()
    for first in range(0, CALLS, 100):
        await ahead.room()
        sent = []
        for n in range(first, first + 100):
            subject = f"call-{n}"
            value = encode(subject, make("call.queued", NOON + n, f"e{n}", "pbx", queue="sales"))[:-1] + PADDING
            partition = partition_of(subject.encode(), PARTITIONS)
            sent.append(await producer.send("calls", value, key=subject.encode(), partition=partition))
        for record in await asyncio.gather(*sent):
            ahead.sent("calls", record.partition, record.offset, len(PADDING))
    end = encode("recording", make("recording.ended", NOON + CALLS, "end", "replay"))
    for partition in range(PARTITIONS):
        await producer.send_and_wait("control", end, key=b"recording", partition=partition)
    await producer.stop()


async def test_a_recording_larger_than_the_broker_keeps_is_read_whole() -> None:
    finals: list[Snapshot] = []
    frozen, thresholds = gc.get_freeze_count(), gc.get_threshold()
    stop = asyncio.Event()

    def on_snapshot(snapshot: Snapshot) -> None:
        if snapshot.final and not finals:
            finals.append(snapshot)
            stop.set()

    with EmbeddedBroker() as broker:
        ahead = ReadAhead()
        settings = Settings(brokers=broker.address, embedded=True, clock="recording", session_timeout=30, commit_interval=0.2)
        worker = Worker(settings, load(""), on_snapshot=on_snapshot, on_read=ahead.read)
        running = asyncio.create_task(worker.run(stop))
        await asyncio.wait_for(feed(broker.address, ahead), 60)
        assert await asyncio.wait_for(running, 60) == 0
    assert (gc.get_freeze_count(), gc.get_threshold()) == (frozen, thresholds)
    centre = {key.window: row for key, row in finals[0].changed.items() if key.by == () and row}
    assert finals[0].at == NOON + CALLS
    assert centre["1h"]["kpis"]["offered"] == {"value": CALLS}
