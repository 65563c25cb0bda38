"""A headless Chromium with one page, driven through its own DevTools protocol: JSON over a WebSocket.

Nothing but the browser itself is needed: no driver program and no library of one.
"""

import json
import subprocess
import threading
from collections import deque
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.websocket_client import connect

TIMEOUT_S = 30.0

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP *.example 127.0.0.1",
)
_ENDPOINT = "DevTools listening on "


class Chromium:
    """A browser process with an empty profile. Use as a context manager."""

    def __init__(self, program: str, profile: Path) -> None:
        self._command = [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self._last_id = 0
        self._stack = ExitStack()
        self._session: dict[str, str] = {}
        self._events: list[str] = []
        self._target = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        try:
            opening = connect(self._endpoint(), max_size=None, open_timeout=TIMEOUT_S)
            self._devtools = self._stack.enter_context(opening)
        except BaseException:
            self._end_process()
            raise
        return self

    def _endpoint(self) -> str:
        """Where DevTools listens. What the browser says after that is read and thrown away, or its pipe would fill."""
        stderr = self._process.stderr
        assert stderr is not None
        said = []
        for line in stderr:
            said.append(line)
            if line.startswith(_ENDPOINT):
                self._drain = threading.Thread(target=deque, args=(stderr, 0))
                self._drain.start()
                return line.removeprefix(_ENDPOINT).strip()
        raise AssertionError(f"the browser did not start:\n{''.join(said)}")

    def open(self, url: str) -> None:
        """Opens a page in place of the one that is open, and returns when it has loaded."""
        self._session = {}
        before = self._target
        self._target = self.call("Target.createTarget", url="about:blank")["targetId"]
        if before:
            self.call("Target.closeTarget", targetId=before)
        session = self.call("Target.attachToTarget", targetId=self._target, flatten=True)["sessionId"]
        self._session = {"sessionId": session}
        self.call("Page.enable")
        self._events.clear()
        self.call("Page.navigate", url=url)
        while "Page.loadEventFired" not in self._events:
            self._receive()

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression in the page; a promise is awaited. AssertionError if it throws."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Calls a method of the DevTools protocol and returns its result."""
        self._last_id += 1
        self._devtools.send(json.dumps({"id": self._last_id, "method": method, "params": params, **self._session}))
        while True:
            message = self._receive()
            if message.get("id") == self._last_id:
                assert "error" not in message, message["error"]
                return dict(message["result"])

    def _receive(self) -> dict[str, Any]:
        message = dict(json.loads(self._devtools.recv(TIMEOUT_S)))
        if "method" in message:
            self._events.append(message["method"])
        return message

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        self._end_process()
        self._drain.join()
        assert self._process.stderr is not None
        self._process.stderr.close()

    def _end_process(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
