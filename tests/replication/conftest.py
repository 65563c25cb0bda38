"""What all tests of the pair share: clients of stores and brokers that vanish leave sockets behind."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
UNCLOSED = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
"""aiormq and asyncpg do not close what they have open when an attempt is cut off, such as a request to cancel a query.
What our own parts open is closed for certain by the tests of each, tests/net and tests/storage among them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of this folder; pytest shows a folder's hook the items of all."""
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(UNCLOSED)


@pytest.fixture(scope="module", autouse=True)
def _collected() -> Iterator[None]:
    """Nothing is left for the tests of other folders."""
    yield
    gc.collect()
