"""Plain Faust, as its guide teaches it: typed records, an agent that takes one event after another, three tables with changelogs."""

# mypy: ignore-errors
# Faust has no types, and all of this is Faust.

from datetime import datetime
from typing import Any

import faust

from bench.peers.job import BASE_S, PANE_MS, PARTITIONS, TARGET_MS, Stopwatch, Task, answer, task, timestamps, totals


class CallData(faust.Record, serializer="json"):
    queue: str


class Call(faust.Record, serializer="json", coerce=True):
    type: str
    time: datetime
    subject: str
    data: CallData


class Waiting(faust.Record, serializer="json"):
    queue: str
    at: int


class Pane(faust.Record, serializer="json"):
    offered: int = 0
    answered: int = 0
    within: int = 0
    missed: int = 0
    wait_ms: int = 0


def build(job: Task) -> Any:
    app = faust.App(
        job.ident, broker="kafka://" + job.broker, store="memory://", topic_partitions=PARTITIONS, topic_replication_factor=1,
        topic_disable_leader=True, datadir=job.state, web_enabled=False, consumer_auto_offset_reset="earliest",
    )  # fmt: skip
    watch = Stopwatch()
    calls = app.topic(job.topic, key_type=str, key_serializer="raw", value_type=Call, partitions=PARTITIONS)
    out = app.topic(job.out, value_serializer="raw", value_type=bytes)
    interactions = app.Table("interactions", key_type=str, value_type=Waiting, partitions=PARTITIONS)
    panes = app.Table("panes", key_type=str, value_type=Pane, default=Pane, partitions=PARTITIONS)
    backlog = app.Table("backlog", key_type=str, value_type=int, default=int, partitions=PARTITIONS)

    def of(partition: int) -> bytes:
        mine = f"{partition}|"
        names = ((key.split("|"), pane) for key, pane in panes.items() if key.startswith(mine))
        rows = (((name[1], int(name[2])), [p.offered, p.answered, p.within, p.missed, p.wait_ms]) for name, p in names)
        return answer(partition, watch, totals(rows, {key[2:]: n for key, n in backlog.items() if key.startswith(mine)}))

    @app.agent(calls)
    async def process(stream: Any) -> None:
        async for event in stream.events():
            watch.start()
            call, part = event.value, event.message.partition
            at = round(call.time.timestamp() * 1000) - BASE_S * 1000
            if call.type == "call.queued":
                queue = call.data.queue
                interactions[call.subject] = Waiting(queue=queue, at=at)
                key = f"{part}|{queue}|{at // PANE_MS}"
                pane = panes[key]
                pane.offered += 1
                panes[key] = pane
                backlog[f"{part}|{queue}"] += 1
            elif call.type == "call.ended":
                was = interactions.pop(call.subject)
                backlog[f"{part}|{was.queue}"] -= 1
            else:
                was = interactions[call.subject]
                wait = at - was.at
                key = f"{part}|{was.queue}|{at // PANE_MS}"
                pane = panes[key]
                if call.type == "call.answered":
                    pane.answered += 1
                    pane.within += wait <= TARGET_MS
                else:
                    pane.missed += 1
                pane.wait_ms += wait
                panes[key] = pane
            if job.latency:
                await out.send(value=timestamps([event.message.timestamp * 1000]))
            elif event.message.offset == job.ends[part] - 1:
                await out.send(value=of(part))

    return app


if __name__ == "__main__":
    # At the level of warnings Faust would be slower: it then formats every debug message of its libraries.
    faust.Worker(build(task()), loglevel="info", redirect_stdouts=False).execute_from_commandline()
