"""Plain Faust, as its guide teaches it: typed records, an agent that takes one event after another, tables with changelogs.

It counts per queue and 10 seconds of event time what came in and what was answered and keeps what is open: a small part of the worker's
job. Prints "ready", then "done SECONDS" from the first event to the last of EVENTS.

    python bench/peer_faust.py BROKER EVENTS FOLDER
"""

import sys
import time
from datetime import datetime

import faust

PANE_S = 10


class Data(faust.Record, serializer="json"):
    queue: str | None = None


class Event(faust.Record, serializer="json", coerce=True):
    id: str
    source: str
    type: str
    time: datetime
    subject: str
    data: Data | None = None


class Interaction(faust.Record, serializer="json"):
    queue: str | None
    at: float


class Pane(faust.Record, serializer="json"):
    events: int = 0
    answered: int = 0
    wait_s: float = 0.0


def build(broker: str, events: int, folder: str) -> faust.App:
    app = faust.App(
        "plain-faust", broker=f"kafka://{broker}", store="memory://", datadir=folder, topic_partitions=4, topic_replication_factor=1,
        topic_allow_declare=False, topic_disable_leader=True, web_enabled=False, consumer_auto_offset_reset="earliest",
    )  # fmt: skip
    source = app.topic("calls", "chats", "tickets", key_type=str, key_serializer="raw", value_type=Event, partitions=4)
    interactions = app.Table("interactions", key_type=str, value_type=Interaction, partitions=4)
    panes = app.Table("panes", key_type=str, value_type=Pane, default=Pane, partitions=4)
    seen = 0
    began = 0.0

    @app.agent(source)
    async def count(stream: faust.StreamT) -> None:
        nonlocal seen, began
        async for event in stream.events():
            began = began or time.perf_counter()
            value, partition = event.value, event.message.partition
            at = value.time.timestamp()
            known = interactions.get(value.subject)
            if known is None:
                known = interactions[value.subject] = Interaction(queue=value.data.queue if value.data else None, at=at)
            key = f"{partition}|{known.queue}|{int(at) // PANE_S}"
            pane = panes[key]
            pane.events += 1
            if value.type.endswith(".answered"):
                pane.answered += 1
                pane.wait_s += at - known.at
            panes[key] = pane
            if value.type.endswith((".ended", ".closed")):
                interactions.pop(value.subject)
            seen += 1
            if seen == events:
                print(f"done {time.perf_counter() - began}", flush=True)

    return app


if __name__ == "__main__":
    broker, events, folder = sys.argv[1:]
    # At the level of warnings Faust would be slower: it then formats every debug message of its libraries.
    faust.Worker(build(broker, int(events), folder), loglevel="info", redirect_stdouts=False).execute_from_commandline()
