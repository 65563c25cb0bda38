"""A client of the management API that says exactly what a test wants said, and shows all that is answered."""

import base64
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

TIMEOUT_S = 30


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """The JSON in it; None when there is nothing."""
        return json.loads(self.raw) if self.raw else None

    @property
    def reason(self) -> tuple[int, str, str]:
        """Status, error and reason of a refusal."""
        return self.status, self.body["error"], self.body["reason"]


class Api:
    """Requests of one user."""

    def __init__(self, port: int, user: str = "guest", password: str = "guest") -> None:
        self.port = port
        self.user = user
        self.password = password

    def of(self, user: str, password: str = "secret") -> "Api":
        """The same for another user."""
        return Api(self.port, user, password)

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Reply:  # fmt: skip
        """One request on a connection of its own. `path` is below /api unless it begins with a slash."""
        octets = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"}
        if self.user:
            token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            sent["Authorization"] = f"Basic {token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        try:
            target = path if path.startswith("/") else f"/api/{path}"
            connection.request(method, target, octets, {**sent, **(headers or {})})
            response = connection.getresponse()
            return Reply(
                response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
            )
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Any:
        """The body of an answer that must be 200."""
        reply = self.call("GET", path, headers=headers)
        assert reply.status == 200, (path, reply)
        return reply.body

    def put(self, path: str, body: Any = None) -> int:
        """The status of a PUT that must succeed."""
        reply = self.call("PUT", path, {} if body is None else body)
        assert reply.status in (201, 204), (path, reply)
        return reply.status

    def post(self, path: str, body: Any = None) -> Any:
        """The body of a POST that must succeed."""
        reply = self.call("POST", path, {} if body is None else body)
        assert reply.status in (200, 201, 204), (path, reply)
        return reply.body

    def delete(self, path: str) -> int:
        """The status of a DELETE that must succeed."""
        reply = self.call("DELETE", path)
        assert reply.status == 204, (path, reply)
        return reply.status

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str, str]:
        """Status, error and reason of what must be refused."""
        reply = self.call(method, path, body)
        assert reply.status >= 400, (path, reply)
        return reply.reason

    # --- what most tests need -----------------------------------------------------------------------------------------

    def publish(self, queue: str, payload: str = "x", vhost: str = "/", **properties: Any) -> bool:
        """Publishes to a queue by its name; whether it was routed."""
        message = {"properties": properties, "routing_key": queue, "payload": payload, "payload_encoding": "string"}
        return bool(self.post(f"exchanges/{segment(vhost)}/amq.default/publish", message)["routed"])

    def take(self, queue: str, count: int = 1, mode: str = "ack_requeue_false", vhost: str = "/") -> list[Any]:
        """Gets messages of a queue."""
        asked = {"count": count, "ackmode": mode, "encoding": "auto"}
        return list(self.post(f"queues/{segment(vhost)}/{segment(queue)}/get", asked))

    def add_user(self, name: str, tags: str = "management", vhost: str | None = "/", right: str = ".*") -> "Api":
        """A user with the password `secret`."""
        self.put(f"users/{segment(name)}", {"password": "secret", "tags": tags})
        if vhost is not None:
            rights = {"configure": right, "write": right, "read": right}
            self.put(f"permissions/{segment(vhost)}/{segment(name)}", rights)
        return self.of(name)


def segment(text: str) -> str:
    """A name as one segment of a path."""
    return quote(text, safe="")
