"""The Faust application: built by a function from settings, with nothing at import, no web server and no command line of Faust's."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from agents.batching.application import WAITING_BATCHES, batch_app
from agents.batching.changelog import LedgerTable
from agents.batching.consumer import Delivery
from agents.batching.schema import RawRecords
from agents.batching.stop import stop_at_once
from agents.settings import Settings
from agents.topics import LEDGER, PARTIALS
from streams.events import INTERACTION_TOPICS
from streams.ledger import Ledger


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
    app = batch_app(
        settings.group,
        settings.brokers,
        delivery,
        partitions=partitions,
        replication=settings.replication,
        session_timeout=settings.session_timeout,
        commit_interval=settings.commit_interval,
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

    app.agent(app.topic(*sources, schema=raw, maxsize=WAITING_BATCHES), name="interactions")(interactions)
    app.agent(app.topic(partials, schema=raw, maxsize=WAITING_BATCHES), name="rollup")(rollup)
    return Application(app, ledger, sources, partials)
