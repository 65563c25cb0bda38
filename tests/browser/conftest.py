"""The page and a browser, for all tests of this folder."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.browser.chromium import Chromium
from tests.clients import node_modules
from tests.conftest import find_program

PAGE = Path(__file__).parent / "page.html"


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and keeps no log."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[int]:
    """The page and the clients that it loads, served on a port of 127.0.0.1."""
    node_modules.prepare()
    node_modules.put(PAGE, PAGE.name)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(node_modules.FOLDER))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(find_program("chromium"), tmp_path_factory.mktemp("profile")) as running:
        yield running
