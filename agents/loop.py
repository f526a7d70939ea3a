"""The event loop: uvloop, and aiokafka's connections made for it."""

import asyncio
from typing import Any

import uvloop
from aiokafka import conn
from aiokafka.conn import CloseReason
from aiokafka.errors import KafkaConnectionError


class Connection(conn.AIOKafkaConnection):  # type: ignore[misc]  # aiokafka has no types
    """aiokafka's, whose tasks expect an OSError where a connection has just gone; from uvloop it is a RuntimeError.

    It ended the task that keeps the metadata up to date, now and then when a broker was killed, and the consumer waited for ever after.
    """

    def send(self, request: Any, expect_response: bool = True) -> Any:
        try:
            return super().send(request, expect_response)
        except RuntimeError as exc:
            self.close(reason=CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(f"Connection at {self.host}:{self.port} broken: {exc}") from exc


def install() -> None:
    """For every loop that is made from now on, also that of Faust's consumer thread."""
    conn.AIOKafkaConnection = Connection
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
