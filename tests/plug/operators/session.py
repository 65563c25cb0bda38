"""Commands in, lines of JSON out: no log-in, for it is a test's.

SESSIONS               what every open session says of itself
DELETE-USER name       the user is gone, and so are the user's sessions
DELETE-VHOST name
"""

import json

from mqbroker.protocols.protocol import Speaker
from mqbroker.protocols.services import Services
from mqbroker.protocols.session import Peer, Session


class OperatorsSpeaker(Speaker):
    """Makes sessions."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def new_session(self, peer: Peer) -> "OperatorsSession":
        return OperatorsSession(self.services)


class OperatorsSession(Session):
    """One operator."""

    def __init__(self, services: Services) -> None:
        super().__init__(services.outbox)
        self.services = services
        self.input = b""

    def receive_data(self, data: bytes, now: int) -> None:
        self.input += data
        while b"\n" in self.input:
            line, _, self.input = self.input.partition(b"\n")
            verb, _, name = line.decode().partition(" ")
            self.send(json.dumps(self.do(verb, name)).encode() + b"\n")

    def do(self, verb: str, name: str) -> object:
        if verb == "DELETE-USER":
            self.services.broker.delete_user(name)
        elif verb == "DELETE-VHOST":
            self.services.broker.delete_vhost(name)
        return [session.describe() for session in self.services.registry.all()]
