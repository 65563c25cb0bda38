"""Every test of the network that has a loop runs on both: asyncio's own and uvloop."""

import asyncio
import importlib.util
from collections.abc import Callable

import uvloop

# Its client came with websockets 13. With version 12 the tests of MQTT's and AMQP's clients over WebSocket are left.
collect_ignore = [] if importlib.util.find_spec("websockets.asyncio") else ["test_websocket.py"]


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loops by the name that appears in the test's id."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
