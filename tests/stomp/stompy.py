"""A stomp.py client over a real socket whose frames are taken one by one."""

import queue
from typing import Any, Self

import stomp  # type: ignore[import-untyped]

WAIT_S = 15
_CLASSES = {
    "ws": stomp.WSStompConnection,
    "1.0": stomp.Connection10,
    "1.1": stomp.Connection11,
    "1.2": stomp.Connection12,
}


class StompPy(stomp.ConnectionListener):  # type: ignore[misc]
    """A client of stomp.py. Use as a context manager."""

    def __init__(self, port: int, version: str = "1.2", tls: bool = False, ca: str = "", **options: Any) -> None:
        """`options` are those of stomp.py, and `headers` of CONNECT."""
        self.headers: dict[str, str] = options.pop("headers", {})
        self.frames: queue.Queue[Any] = queue.Queue()
        self.receipts: queue.Queue[str] = queue.Queue()
        self.errors: queue.Queue[Any] = queue.Queue()
        self.beats: queue.Queue[None] = queue.Queue()
        if version != "1.0":
            options.setdefault("vhost", "/")
        host_and_ports = [("localhost" if tls else "127.0.0.1", port)]
        self.client = _CLASSES[version](host_and_ports, **options)
        if tls:
            self.client.set_ssl(host_and_ports, ca_certs=ca)
        self.client.set_listener("", self)

    def on_message(self, frame: Any) -> None:
        self.frames.put(frame)

    def on_error(self, frame: Any) -> None:
        self.errors.put(frame)

    def on_receipt(self, frame: Any) -> None:
        self.receipts.put(frame.headers["receipt-id"])

    def on_heartbeat(self) -> None:
        self.beats.put(None)

    def __enter__(self) -> Self:
        self.client.connect("guest", "guest", wait=True, headers=self.headers)
        return self

    def __exit__(self, *details: object) -> None:
        if self.client.is_connected():
            self.client.disconnect()

    def message(self) -> Any:
        return self.frames.get(timeout=WAIT_S)

    def error(self) -> Any:
        return self.errors.get(timeout=WAIT_S)

    def heart_beat(self) -> None:
        self.beats.get(timeout=WAIT_S)

    def receipt(self) -> str:
        return self.receipts.get(timeout=WAIT_S)

    def subscribe(self, destination: str, id: Any = 1, ack: str = "auto", **headers: Any) -> None:
        """Subscribes, and waits until it is done."""
        headers = {"receipt": f"subscribed-{id}", **headers}
        self.client.subscribe(destination, id=id, ack=ack, headers=headers)
        assert self.receipt() == f"subscribed-{id}"

    def send(self, destination: str, body: Any, **headers: Any) -> None:
        """Sends, and waits for the receipt."""
        self.client.send(destination, body, headers={"receipt": "sent", **headers})
        assert self.receipt() == "sent"
