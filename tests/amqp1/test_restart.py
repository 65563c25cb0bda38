"""What was accepted is there after the broker was killed, with everything that its sender has said."""

from pathlib import Path

from mqbroker.core.values import UInt8
from mqbroker.protocols.amqp1.codec.encode import encode
from mqbroker.protocols.amqp1.codec.messaging import Accepted, Source
from mqbroker.protocols.amqp1.codec.performatives import Close, Detach, Flow, Open, Transfer
from mqbroker.protocols.amqp1.codec.types import Described, Symbol
from tests.amqp1.raw import RawAmqp1, data
from tests.plug.clients import LineClient, PluggedBroker
from tests.support.broker_process import BrokerProcess

HEADER = b"\x00\x53\x70" + encode([True, UInt8(5)])
SECTIONS = b"\x00\x53\x73" + encode(["id-1", None, "to", "subject"]) + b"\x00\x53\x74" + encode({"colour": "red"})


def test_accepted_messages_survive_a_kill(tmp_path: Path) -> None:
    """An encoding of properties that the journal did not know stopped the next start."""
    durable = Source("topic://kept", 2, "never", capabilities=["topic"])
    chosen = {Symbol("s"): Described(Symbol("apache.org:selector-filter:string"), "colour = 'red'")}
    with BrokerProcess(tmp_path / "data", "--dev", "--durability", "fsync") as broker:
        with RawAmqp1(broker.ports["amqp"]) as client:
            client.open(container_id="c")
            client.begin()
            client.receiver(None, 1, source=durable, name="all")
            client.receiver(None, 2, source=Source("topic://kept", 2, "never", filter=chosen), name="chosen")
            for handle in (1, 2):
                client.send(Detach(handle, False))
                client.expect(Detach)
            client.sender("topic://kept")
            client.transfer(0, HEADER + SECTIONS + data(b"hello"))
            assert isinstance(client.outcome(0), Accepted)
            client.transfer(1, HEADER + b"\x00\x53\x77" + encode({"a": [1, 2]}))
            assert isinstance(client.outcome(1), Accepted)
        broker.kill()
        broker.start()
        with RawAmqp1(broker.ports["amqp"]) as client:
            client.open(container_id="c")
            client.begin()
            client.receiver(None, 1, source=durable, name="all", credit=5)
            client.expect(Transfer)
            assert client.payload.endswith(SECTIONS + data(b"hello"))
            client.expect(Transfer)
            assert client.payload.endswith(b"\x00\x53\x77" + encode({"a": [1, 2]}))
            client.receiver(None, 2, source=Source("topic://kept", 2, "never", filter=chosen), name="chosen")
            client.credit(2, 5, next_incoming_id=2, drain=True)
            client.expect(Transfer)
            assert client.payload.endswith(data(b"hello"))
            assert client.expect(Flow).drain


def test_a_deleted_user_is_told(tmp_path: Path) -> None:
    """A user who was deleted went on as before."""
    user = '[[users]]\nname = "anna"\npassword = "anna"\n[[users.permissions]]\nvhost = "/"\n'
    user += 'configure = ".*"\nwrite = ".*"\nread = ".*"\n'
    with (
        PluggedBroker(tmp_path / "data", "--dev", schemes=("amqp", "operators"), config=user) as broker,
        RawAmqp1(broker.ports["amqp"]) as client,
        LineClient(broker.ports["operators"]) as operator,
    ):
        client.log_in("anna")
        client.send(Open("c"))
        client.expect(Open)
        client.begin()
        (session,) = operator.operate("SESSIONS")
        assert (session["protocol"], session["user"], session["container_id"]) == ("AMQP 1.0", "anna", "c")
        operator.operate("DELETE-USER anna")
        text = "Connection forced: user 'anna' is deleted"
        assert client.error_of(Close) == ("amqp:connection:forced", text)
