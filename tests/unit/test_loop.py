"""What aiokafka meets on uvloop."""

import asyncio

import pytest
import uvloop
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from agents.loop import Connection


def test_writing_to_a_connection_that_has_just_gone_is_the_error_that_aiokafka_expects() -> None:
    async def scenario() -> None:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()[:2]
        connection = Connection(host, port)
        connection._reader, connection._writer = await asyncio.open_connection(host, port)
        connection._read_task = asyncio.create_task(asyncio.sleep(0))
        connection._versions = {MetadataRequest.API_KEY: (0, 1)}
        connection._writer.transport.abort()
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="the handler is closed"):
            connection._writer.write(b"what uvloop says")
        with pytest.raises(KafkaConnectionError, match="broken"):
            connection.send(MetadataRequest([]))
        assert not connection.connected()
        server.close()
        await server.wait_closed()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())
