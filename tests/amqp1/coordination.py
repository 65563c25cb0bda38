"""The link of a client to the coordinator of transactions."""

from typing import Any

from mqbroker.core.values import UInt64
from mqbroker.protocols.amqp1.codec.encode import encode
from mqbroker.protocols.amqp1.codec.messaging import Coordinator, Source
from mqbroker.protocols.amqp1.codec.performatives import Attach, Flow
from mqbroker.protocols.amqp1.codec.types import Described
from tests.amqp1.raw import RawAmqp1


class Coordination:
    """A client with a link to the coordinator on handle 9."""

    def __init__(self, client: RawAmqp1) -> None:
        self.client = client
        client.send(Attach("control", 9, False, source=Source(), target=Coordinator(), initial_delivery_count=0))
        assert isinstance(client.expect(Attach).target, Coordinator)
        client.expect(Flow)
        self.next_id = 1000

    def ask(self, code: int, *fields: object) -> Any:
        self.next_id += 1
        request = b"\x00\x53\x77" + encode(Described(UInt64(code), list(fields)))
        self.client.transfer(self.next_id, request, 9)
        return self.client.outcome(self.next_id)

    def declare(self) -> bytes:
        found: bytes = self.ask(0x31).txn_id
        return found

    def discharge(self, transaction: bytes, fail: bool) -> Any:
        return self.ask(0x32, transaction, fail)
