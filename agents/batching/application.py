"""A Faust application tuned for whole batches: large fetches, a linger, no folders, no web server, no standby tables."""

from typing import Any

import faust

from agents.batching.consumer import Delivery, batch_transport

COLLECTOR = (200_000, 20, 100)
"""Thresholds of the garbage collector: it walks all live batches, and the default ones cost a fifth of the throughput."""
WAITING_BATCHES = 8
"""`maxsize` of a batch topic: it counts batches, and Faust's default is meant for single messages."""
_FETCH_BYTES = 4 << 20
_LINGER_MS = 20


def batch_app(
    name: str,
    brokers: str,
    delivery: Delivery,
    *,
    partitions: int,
    replication: int = 1,
    session_timeout: float = 10.0,
    commit_interval: float = 1.0,
) -> Any:
    """An app that is not started; its consumer delivers as `delivery` says. Topics are made and verified before it starts."""
    transport = batch_transport(delivery)

    class App(faust.App):  # type: ignore[misc]  # Faust has no types
        def _new_transport(self) -> Any:
            return transport(self.conf.broker_consumer, self)

        def _create_directories(self) -> None:
            """None: the tables are in memory, and Faust's folders would appear wherever a person happens to be."""

    return App(
        name,
        broker=[f"kafka://{address.strip()}" for address in brokers.split(",")],
        store="memory://",
        autodiscover=False,
        web_enabled=False,
        topic_partitions=partitions,
        topic_replication_factor=replication,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,  # with 1, the default, changelogs of other workers' partitions would pass through the table
        stream_buffer_maxsize=16,
        stream_wait_empty=True,
        consumer_max_fetch_size=_FETCH_BYTES,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=session_timeout,
        broker_heartbeat_interval=session_timeout / 6,
        broker_rebalance_timeout=max(10.0, session_timeout),
        broker_commit_interval=commit_interval,
        producer_linger_ms=_LINGER_MS,
        loghandlers=[],
    )
