"""Every test of the network that has a loop runs on both: asyncio's own and uvloop."""

import asyncio
import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

FOLDER = Path(__file__).parent

# Its client came with websockets 13. With version 12 the tests of MQTT's and AMQP's clients over WebSocket are left.
collect_ignore = [] if importlib.util.find_spec("websockets.asyncio") else ["test_websocket.py"]


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loops by the name that appears in the test's id."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """uvloop swallows what the handler of a signal raises, so a test that hangs on it would do so for ever."""
    for item in items:
        if "uvloop" in item.name and item.path.is_relative_to(FOLDER) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(method="thread"))
