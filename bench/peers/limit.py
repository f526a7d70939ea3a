"""The limit of every consumer in Python: aiokafka's `getmany` and msgspec decoding what the job needs; nothing is kept or written."""

import asyncio

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.peers.job import PARTITIONS, Call, Stopwatch, answer, task


async def main() -> None:
    job, watch = task(), Stopwatch()
    decode = msgspec.json.Decoder(Call).decode
    consumer = AIOKafkaConsumer(bootstrap_servers=job.broker, enable_auto_commit=False, auto_offset_reset="earliest")
    producer = AIOKafkaProducer(bootstrap_servers=job.broker)
    await consumer.start()
    await producer.start()
    consumer.assign([TopicPartition(job.topic, partition) for partition in range(PARTITIONS)])
    await consumer.seek_to_beginning()
    read, total = 0, sum(job.ends)
    while read < total:
        for records in (await consumer.getmany(timeout_ms=100)).values():
            watch.start()
            for record in records:
                decode(record.value)
            read += len(records)
    await producer.send_and_wait(job.out, answer(-1, watch, {}))
    await asyncio.Event().wait()  # until the harness has looked at the process


if __name__ == "__main__":
    asyncio.run(main())
