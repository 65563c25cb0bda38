"""Bounds on what a client library may take for a step, and a way to be rid of a connection that it has lost track of.

On a busy machine an asyncio client of AMQP may hang after its broker was killed: it waits for an answer that will not
come, and what it was sent stays with it. So every step has a time, and the socket of a client that exceeds it is cut:
then the broker has back what that client held, and the client can begin again.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

import aio_pika
from aio_pika.abc import AbstractConnection
from aiormq.connection import TCPTransportFactory, TransportFactory
from yarl import URL

T = TypeVar("T")

STEP_TIMEOUT_S = 20  # no step takes a second where others leave the machine alone


class Hung(Exception):
    """A client did not do what it was told to in time; the text says what that was."""


async def within(step: Awaitable[T], what: str) -> T:
    """The result of a step. Raises Hung when there is none in time; what hangs is left behind, for it may not even let
    itself be cancelled."""
    task = asyncio.ensure_future(step)
    try:
        done, _ = await asyncio.wait({task}, timeout=STEP_TIMEOUT_S)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not done:
        task.cancel()
        raise Hung(what)
    return task.result()


class Wire(TransportFactory):
    """Makes the socket of a connection, and keeps hold of it."""

    def __init__(self) -> None:
        self._writer: asyncio.StreamWriter | None = None

    async def create(self, url: URL, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, self._writer = await TCPTransportFactory().create(url, **options)
        return reader, self._writer

    def cut(self) -> None:
        """Closes the socket, whatever the client thinks of it."""
        if self._writer is not None:
            self._writer.transport.abort()


class CuttableConnection(aio_pika.Connection):
    """A connection whose socket can be cut."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.wire = Wire()
        self.kwargs["transport_factory"] = self.wire


async def connect(url: str) -> CuttableConnection:
    """A connection. Raises Hung, or what the client library does."""
    made: AbstractConnection = await within(aio_pika.connect(url, connection_class=CuttableConnection), "connecting")
    assert isinstance(made, CuttableConnection)
    return made


async def leave(connection: CuttableConnection) -> None:
    """Closes a connection in order if that can be had in time, and in any case."""
    try:
        await within(connection.close(), "closing")
    finally:
        connection.wire.cut()
