"""The AMQP layer of azure-servicebus, unmodified. What is above it asks for tokens at `$cbs`, as only Azure has."""

from typing import Any

import pytest

from tests.support.broker_process import BrokerProcess

COUNT = 60
TIMEOUT_S = 15


class Azure:
    """Its clients for one listener."""

    def __init__(self, broker: BrokerProcess, scheme: str) -> None:
        self.client = pytest.importorskip("azure.servicebus._pyamqp", reason="azure-servicebus is not installed")
        self.constants = pytest.importorskip("azure.servicebus._pyamqp.constants")
        self.message = pytest.importorskip("azure.servicebus._pyamqp.message")
        port = broker.ports[scheme]
        is_secure = scheme in ("amqps", "wss")
        self.host = f"localhost:{port}"
        self.options: dict[str, Any] = {
            "auth": pytest.importorskip("azure.servicebus._pyamqp.authentication").SASLPlainAuth("guest", "guest"),
            "use_tls": is_secure,
            "connection_verify": str(broker.data_dir / "certs" / "ca.pem") if is_secure else None,
            "custom_endpoint_address": f"https://localhost:{port}/" if scheme != "amqp" else None,
        }
        if scheme in ("ws", "wss"):
            self.options["transport_type"] = self.constants.TransportType.AmqpOverWebsocket
            self.options["socket_timeout"] = 3  # for the answer to its log-in; it waits for others as long, too

    def sender(self, target: str) -> Any:
        return self.client.SendClient(self.host, target, **self.options)

    def receiver(self, source: str, **options: Any) -> Any:
        mode = self.constants.ReceiverSettleMode.First
        return self.client.ReceiveClient(self.host, source, receive_settle_mode=mode, **self.options, **options)

    def take(self, receiver: Any, count: int) -> list[Any]:
        found: list[Any] = []
        for _ in range(count):
            if len(found) >= count:
                break
            found += receiver.receive_message_batch(max_batch_size=count - len(found), timeout=TIMEOUT_S)
        return found


@pytest.fixture(params=["amqp", "amqps", "ws", "wss"])
def azure(broker: BrokerProcess, request: pytest.FixtureRequest) -> Azure:
    return Azure(broker, request.param)


def test_what_is_sent_comes_as_it_was(azure: Azure, name: str) -> None:
    """Its first session is on channel 1, and it says an echo with its first flow."""
    parts = azure.message
    with azure.sender(name) as sender:
        for number in range(COUNT):
            message = parts.Message(
                data=[b"%d" % number * 2000],
                header=parts.Header(durable=True, priority=number % 10),
                properties=parts.Properties(message_id=f"id-{number}", subject="subject"),
                application_properties={b"colour": b"red", b"number": number},
            )
            sender.send_message(message, timeout=TIMEOUT_S)
    with azure.receiver(name, link_credit=20) as receiver:
        found = azure.take(receiver, COUNT)
    assert [each.data for each in found] == [[b"%d" % number * 2000] for number in range(COUNT)]
    assert found[7].header.priority == 7
    assert found[7].properties.message_id == b"id-7"
    assert found[7].application_properties == {b"colour": b"red", b"number": 7}


def test_deliveries_are_settled_as_it_says(azure: Azure, name: str) -> None:
    with azure.sender(name) as sender:
        for number in range(3):
            sender.send_message(azure.message.Message(data=[b"%d" % number]), timeout=TIMEOUT_S)
    with azure.receiver(name, link_credit=3) as receiver:
        assert len(azure.take(receiver, 3)) == 3
        for number, outcome in enumerate(("accepted", "released", "modified")):
            more = {"delivery_failed": True, "undeliverable_here": False} if outcome == "modified" else {}
            receiver.settle_messages(number, number.to_bytes(4, "big"), outcome, **more)
        receiver.do_work()
    with azure.receiver(name, link_credit=3) as receiver:
        found = azure.take(receiver, 2)
    assert [(each.data, each.header.delivery_count) for each in found] == [([b"1"], 0), ([b"2"], 1)]
