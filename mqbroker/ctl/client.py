"""Requests to the management API, one after the other. What goes wrong ends the command with a sentence and a code.

The codes are those of sysexits.h, as RabbitMQ's tools have them. http.client is used because a command should not wait
for the start of anything larger.
"""

import http.client
import json
import os
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from mqbroker.errors import MqbrokerError

USAGE, BAD_DATA, NO_USER, UNAVAILABLE, EXISTS, TIMED_OUT, CONFIGURATION = 64, 65, 67, 69, 70, 75, 78

SOCKET_NAME = "control.sock"


class CommandFailed(MqbrokerError):
    """A command ends with this sentence and this exit code."""

    def __init__(self, sentence: str, code: int = UNAVAILABLE) -> None:
        super().__init__(sentence)
        self.code = code


class LocalConnection(http.client.HTTPConnection):
    """To a socket in the file system."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """Overrides HTTPConnection's."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.fspath(self._path))


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise CommandFailed(f"{url!r} is not a URL: {error}", CONFIGURATION) from None
    if not is_right:
        raise CommandFailed(f"{url!r} is not a URL such as http://localhost:15672", CONFIGURATION)
    return parts


class Client:
    """One broker."""

    def __init__(self, data_dir: Path, url: str, user: str, password: str, timeout_s: float) -> None:
        """Without a URL, it is the one that runs with this data directory."""
        self._path = data_dir / SOCKET_NAME
        self._parts = _parts(url) if url else None
        self._prefix = f"{self._parts.path.rstrip('/') if self._parts is not None else ''}/api"
        self._timeout_s = timeout_s
        self._headers = {"Content-Type": "application/json", "X-Requested-With": "mqbroker ctl"}
        if self._parts is not None:
            user = user or unquote(self._parts.username or "guest")
            password = password or unquote(self._parts.password or "")
            token = b64encode(f"{user}:{password}".encode()).decode()
            self._headers["Authorization"] = f"Basic {token}"

    def _connection(self) -> http.client.HTTPConnection:
        parts = self._parts
        if parts is None:
            return LocalConnection(self._path, self._timeout_s)
        host = parts.hostname or ""
        if parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, parts.port or 15671, timeout=self._timeout_s, context=context)
        return http.client.HTTPConnection(host, parts.port or 15672, timeout=self._timeout_s)

    def answer(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and body of an answer, whatever it is. Raises CommandFailed when there is none."""
        connection = self._connection()
        octets = b"" if body is None else json.dumps(body).encode()
        try:
            connection.request(method, f"{self._prefix}/{path}", octets, {**self._headers, **(headers or {})})
            response = connection.getresponse()
            data = response.read()
        except TimeoutError:
            raise CommandFailed(f"no answer within {self._timeout_s:g} seconds", TIMED_OUT) from None
        except (OSError, http.client.HTTPException) as error:
            raise CommandFailed(self._why_silent(error)) from None
        finally:
            connection.close()
        try:
            return response.status, json.loads(data) if data else None
        except ValueError:
            return response.status, None

    def check(self, path: str) -> tuple[int, str]:
        """The exit code for a check of the broker's health, 0 when all is well; and why it is not."""
        status, found = self.answer("GET", f"health/checks/{path}")
        if status == 200:
            return 0, ""
        return BAD_DATA if status == 400 else UNAVAILABLE, _reason(found) or f"the broker answered {status}"

    def stream(self, topic: str) -> Iterator[dict[str, Any]]:
        """What comes of a topic, until the broker ends it. Raises CommandFailed when there is no broker."""
        connection = self._connection()
        try:
            connection.request("GET", f"{self._prefix}/mqbroker/stream?topics={topic}", headers=self._headers)
            response = connection.getresponse()
            if response.status != 200:
                raise CommandFailed(f"the broker answered {response.status}", UNAVAILABLE)
            while line := response.readline():
                if line.startswith(b"data: "):
                    found = json.loads(line[6:])
                    if "topic" not in found:  # how many were missed
                        yield found
        except (OSError, http.client.HTTPException) as error:
            raise CommandFailed(self._why_silent(error)) from None
        finally:
            connection.close()

    def _why_silent(self, error: Exception) -> str:
        reason = getattr(error, "strerror", None) or str(error)
        if self._parts is not None:
            return f"cannot reach {self._parts.scheme}://{self._parts.hostname}: {reason}"
        return f"no broker runs with this data directory: {self._path}: {reason} (see --data-dir and --url)"

    def call(
        self, method: str, path: str, body: object = None, missing: str = "", headers: Mapping[str, str] | None = None
    ) -> Any:
        """The body of an answer that is well. `missing` is what is not there when it is 404. Raises CommandFailed."""
        status, found = self.answer(method, path, body, headers)
        if status < 400:
            return found
        reason = _reason(found)
        if status == 404:
            code = NO_USER if missing.startswith("user ") else BAD_DATA
            raise CommandFailed(f"no {missing}" if missing and reason == "Not Found" else reason, code)
        if status == 401:
            is_login = not isinstance(found, dict) or found.get("error") == "not_authorized"
            raise CommandFailed("the log-in failed" if is_login else reason, BAD_DATA if is_login else UNAVAILABLE)
        raise CommandFailed(reason or f"the broker answered {status}", BAD_DATA if status == 400 else UNAVAILABLE)

    def get(self, path: str, missing: str = "") -> Any:
        """GET."""
        return self.call("GET", path, missing=missing)

    def put(self, path: str, body: object = None, missing: str = "") -> None:
        """PUT."""
        self.call("PUT", path, {} if body is None else body, missing)

    def delete(self, path: str, missing: str = "") -> None:
        """DELETE."""
        self.call("DELETE", path, missing=missing)

    def exists(self, path: str) -> bool:
        """Whether there is something."""
        status, _ = self.answer("GET", path)
        return status == 200


def _reason(found: object) -> str:
    return str(found.get("reason", "")) if isinstance(found, dict) else ""


def segment(text: str) -> str:
    """A name as one segment of a path."""
    return quote(text, safe="")


def below(*names: str) -> str:
    """Segments of a path."""
    return "/".join(segment(name) for name in names)
