"""Any running broker, given by a URL: measured from outside only.

Owns the parsing of the URL. Starts and stops nothing, and deletes nothing but what the scenarios declare.
"""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bench.driver.jobs import Endpoint
from bench.errors import UsageError
from bench.targets.base import Promise, Target

_DEFAULT_PORTS = {"amqp": 5672, "mqtt": 1883, "sqs": 9324}


class RunningBroker(Target):
    """A broker at amqp://user:password@host:port/vhost, mqtt://host:port or sqs://key:secret@host:port, or NAME=URL.

    Its settings are not ours: which promise a confirm of it keeps is for the reader to know. Of a broker on this
    machine the CPU is measured when the URL ends in `?pid=N`.
    """

    def __init__(self, text: str) -> None:
        named = re.fullmatch(r"(?:([\w.-]+)=)?(\w+://.*)", text)
        parts = urlsplit(named.group(2) if named else "")
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise UsageError(f"{text!r} is not a target: expected a name or [NAME=]amqp://..., mqtt://... or sqs://...")
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
        self.name = (named and named.group(1)) or f"{parts.hostname}:{port}"
        self.title = self.name
        self._pid = int(parts.query.removeprefix("pid=")) if parts.query.startswith("pid=") else None
        self._endpoint = Endpoint(
            parts.scheme,
            parts.hostname,
            port,
            unquote(parts.username or "guest"),
            unquote(parts.password or "guest"),
            unquote(parts.path[1:]) or "/",
        )

    def start(self, promise: Promise) -> None:
        """Nothing: it runs already."""

    def stop(self) -> None:
        """Nothing: it is not ours."""

    def endpoint(self, protocol: str) -> Endpoint | None:
        """The URL's endpoint."""
        return self._endpoint if protocol == self._endpoint.protocol else None

    def pids(self) -> list[int]:
        """The pid given in the URL, if it still exists."""
        return [self._pid] if self._pid and Path(f"/proc/{self._pid}").exists() else []

    def version(self) -> str:
        """Where it is: the harness does not know more."""
        return f"a running broker at {self._endpoint.host}:{self._endpoint.port}"

    def speaks(self, protocol: str) -> bool:
        """The URL's protocol."""
        return protocol == self._endpoint.protocol

    def mode(self, promise: Promise) -> str:
        """One instance is all there is."""
        return "any"

    def durability(self, promise: Promise) -> str:
        """Unknown."""
        return "as it is configured"
