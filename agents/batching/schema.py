"""The schema of a batch topic: hands the fetched records over as they are."""

from collections.abc import Awaitable, Callable
from typing import Any

import faust


class RawRecords(faust.Schema):  # type: ignore[misc]  # Faust has no types
    """Never raises: any exception but Faust's own decode errors would end the fetcher, and those stall the stream. The agent decodes."""

    def compile(self, app: Any, **_: Any) -> Callable[..., Awaitable[Any]]:
        create_event = app.create_event

        async def hand_over(message: Any, *, propagate: bool = False) -> Any:
            return create_event(None, message.value, message.headers, message)

        return hand_over
