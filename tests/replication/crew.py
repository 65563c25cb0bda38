"""Clients of AMQP, MQTT and SQS at work on a pair: what each had confirmed, what came, and that they get on."""

from collections.abc import Callable
from functools import partial
from typing import Self

from tests.replication.clients import KINDS, Client
from tests.replication.pair_house import Pair
from tests.support.waiting import eventually

PROGRESS = 20
PROGRESS_TIMEOUT_S = 60.0
DRAIN_TIMEOUT_S = 60.0


class Crew:
    """One sender and one receiver of each protocol, with the addresses of all nodes."""

    def __init__(self, pair: Pair) -> None:
        ports = {scheme: [node.ports[scheme] for node in pair.nodes] for scheme in KINDS}
        self.clients: list[Client] = [kind(ports[scheme]) for scheme, kind in KINDS.items()]

    def __enter__(self) -> Self:
        for client in self.clients:
            client.prepare(client.ports[0])
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_: object) -> None:
        for client in self.clients:
            client.is_stopping = True
        for client in self.clients:
            client.stop()

    def progress(self, messages: int = PROGRESS) -> None:
        """Waits until each has had so many more confirmed, and has received as many."""
        reached = [
            partial(_has_got_on, each, len(each.confirmed), len(each.received), messages) for each in self.clients
        ]
        self._wait(lambda: all(each() for each in reached), PROGRESS_TIMEOUT_S, "they do not get on")

    def drain(self) -> None:
        """Sends no more, and waits until all that was confirmed has come."""
        for client in self.clients:
            client.is_draining = True
        self._wait(lambda: not any(each.missing() for each in self.clients), DRAIN_TIMEOUT_S, "messages are lost")

    def _wait(self, is_so: Callable[[], bool], timeout_s: float, trouble: str) -> None:
        try:
            eventually(is_so, timeout_s)
        except AssertionError:
            raise AssertionError(f"{trouble}: {'; '.join(map(account, self.clients))}") from None


def _has_got_on(client: Client, confirmed: int, received: int, messages: int) -> bool:
    return len(client.confirmed) >= confirmed + messages and len(client.received) >= received + messages


def account(client: Client) -> str:
    """What became of its messages, in words."""
    missing = sorted(client.missing())
    counts = f"{len(client.confirmed)} confirmed, {len(client.received)} received, {client.repeated} again"
    lost = f"{len(missing)} lost, such as {missing[:3]}" if missing else "none lost"
    return f"{client.name}: {counts}, {lost}, longest wait {client.longest_wait_s:.1f} s, {client.trouble}"
