"""Quix Streams. State belongs to the key of a message, so the totals of a queue take a second stage, behind a topic keyed by queue."""

from datetime import datetime
from typing import Any

import msgspec
from confluent_kafka import Producer
from quixstreams import Application

from bench.peers.job import BASE_S, PANE_MS, TARGET_MS, Call, Stopwatch, answer, task, weight


def main() -> None:
    job, watch = task(), Stopwatch()
    decode = msgspec.json.Decoder(Call).decode
    app = Application(job.broker, consumer_group=job.ident, auto_offset_reset="earliest", state_dir=job.state, loglevel="WARNING")
    finals = Producer({"bootstrap.servers": job.broker})
    last: dict[str, list[int]] = {}
    done, total = 0, sum(job.ends)

    def interaction(value: bytes, key: str, timestamp: int, headers: Any, state: Any) -> dict[str, Any]:
        """An event → what it adds to its queue."""
        watch.start()
        call = decode(value)
        at = ms_since_base(call.time)
        out: dict[str, Any] = {"pane": at // PANE_MS, "add": None, "open": 0, "t": timestamp}
        if call.type == "call.queued":
            state.set("at", [call.data.queue, at])
            return out | {"queue": call.data.queue, "add": [1, 0, 0, 0, 0], "open": 1}
        queue, entered = state.get("at")
        if call.type == "call.ended":
            state.delete("at")
            return out | {"queue": queue, "open": -1}
        wait, answered = at - entered, call.type == "call.answered"
        return out | {"queue": queue, "add": [0, int(answered), int(answered and wait <= TARGET_MS), int(not answered), wait]}

    def queue_totals(value: dict[str, Any], state: Any) -> dict[str, Any] | None:
        nonlocal done
        total_of = state.get("total") or [0] * 7
        if value["add"]:
            key = f"pane-{value['pane']}"
            state.set(key, [a + b for a, b in zip(state.get(key) or [0] * 5, value["add"], strict=True)])
            for i, each in enumerate(value["add"]):
                total_of[i] += each
            total_of[6] += value["pane"] * weight(*value["add"])
        total_of[5] += value["open"]
        state.set("total", total_of)
        if job.latency:
            return {"t": [value["t"]]}
        last[value["queue"]] = total_of
        done += 1
        if done == total:
            finals.produce(job.out, answer(-1, watch, last))
            finals.flush()
        return None

    calls = app.topic(job.topic, key_deserializer="str", value_deserializer="bytes")
    frame = app.dataframe(calls).apply(interaction, stateful=True, metadata=True).group_by("queue").apply(queue_totals, stateful=True)
    if job.latency:
        frame.to_topic(app.topic(job.out, value_serializer="json"))
    app.run()


def ms_since_base(when: datetime) -> int:
    return round(when.timestamp() * 1000) - BASE_S * 1000


if __name__ == "__main__":
    main()
