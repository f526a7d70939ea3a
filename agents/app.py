"""The Faust application: built by a function from settings, with nothing at import, no web server and no command line of Faust's."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import faust

from agents.batching.changelog import LedgerTable
from agents.batching.consumer import Delivery, batch_transport
from agents.batching.schema import RawRecords
from agents.batching.stop import stop_at_once
from agents.settings import Settings
from agents.topics import LEDGER, PARTIALS
from streams.events import INTERACTION_TOPICS
from streams.ledger import Ledger

_FETCH_BYTES = 4 << 20
_LINGER_MS = 20
_WAITING_BATCHES = 8


@dataclass(frozen=True)
class Application:
    """The app and what it is made of."""

    faust: Any
    ledger: "LedgerTable[Ledger]"
    sources: tuple[str, ...]
    """Names of the interaction topics."""
    partials: str


def build(
    settings: Settings,
    *,
    partitions: int,
    new_ledger: Callable[[int], Ledger],
    on_open: Callable[[int, Ledger, bytes], None],
    on_close: Callable[[int], None],
    on_events: Callable[[Any, Any], Awaitable[None]],
    on_partials: Callable[[Any], None],
) -> Application:
    """An app that is not started. `on_events(stream, event)` gets each message of an interaction topic and sees to its acknowledgement;
    `on_partials(message)` gets those of the partials. What either raises stops the worker."""
    sources = tuple(settings.topic(name) for name in INTERACTION_TOPICS)
    changelog, partials = settings.topic(LEDGER), settings.topic(PARTIALS)
    delivery = Delivery(topics=frozenset((*sources, changelog, partials)), replayed=frozenset((partials,)))
    transport = batch_transport(delivery)

    class App(faust.App):  # type: ignore[misc]  # Faust has no types
        def _new_transport(self) -> Any:
            return transport(self.conf.broker_consumer, self)

        def _create_directories(self) -> None:
            """None: the tables are in memory, and Faust's folders would appear wherever a person happens to be."""

    app = App(
        settings.group,
        broker=[f"kafka://{address.strip()}" for address in settings.brokers.split(",")],
        store="memory://",
        autodiscover=False,
        web_enabled=False,
        topic_partitions=partitions,
        topic_replication_factor=settings.replication,
        topic_allow_declare=False,  # agents.topics creates and verifies them
        topic_disable_leader=True,
        table_standby_replicas=0,  # with 1, the default, changelogs of other workers' partitions would pass through the table
        stream_buffer_maxsize=16,
        stream_wait_empty=True,
        consumer_max_fetch_size=_FETCH_BYTES,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=settings.session_timeout / 6,
        broker_rebalance_timeout=max(10.0, settings.session_timeout),
        broker_commit_interval=settings.commit_interval,
        producer_linger_ms=_LINGER_MS,
        loghandlers=[],
    )
    raw = RawRecords()
    ledger: LedgerTable[Ledger] = LedgerTable(
        app,
        name="ledger",
        partitions=partitions,
        changelog_topic=app.topic(changelog, schema=raw, partitions=partitions, acks=False, internal=True, allow_empty=True),
        new_state=new_ledger,
        producer={"bootstrap_servers": settings.brokers},
        on_open=on_open,
        on_close=on_close,
    )
    app.tables.add(ledger)

    async def interactions(stream: Any) -> None:
        # An exception that leaves an agent acknowledges its message: events would be lost.
        try:
            async for event in stream.noack().events():
                await on_events(stream, event)
        except Exception as exc:
            stop_at_once(f"interactions agent failed: {exc}", exc)

    async def rollup(stream: Any) -> None:
        try:
            async for event in stream.events():
                on_partials(event.message)
        except Exception as exc:
            stop_at_once(f"rollup agent failed: {exc}", exc)

    app.agent(app.topic(*sources, schema=raw, maxsize=_WAITING_BATCHES), name="interactions")(interactions)
    app.agent(app.topic(partials, schema=raw, maxsize=_WAITING_BATCHES), name="rollup")(rollup)
    return Application(app, ledger, sources, partials)
