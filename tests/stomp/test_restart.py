"""What survives a kill: durable subscriptions with selectors, messages that come later, and whole transactions."""

import socket
from pathlib import Path

from tests.stomp.house import frame, parse_frames
from tests.stomp.stompy import WAIT_S, StompPy
from tests.support.broker_process import BrokerProcess

CONFIG = '[stomp]\ndialect = "activemq"\n'
DURABLE = {"activemq.subscriptionName": "s", "selector": "n > 1"}


def test_subscriptions_and_schedules_go_on_after_a_kill(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / "data", "--dev", schemes=("stomp",), config=CONFIG) as broker:
        with StompPy(broker.ports["stomp"], headers={"client-id": "c"}) as stomp:
            stomp.subscribe("/topic/a", **DURABLE)
            stomp.client.unsubscribe(1)
            for number in range(4):
                stomp.send("/topic/a", str(number), n=number, persistent="true")
            later = {"AMQ_SCHEDULED_DELAY": 3000, "AMQ_SCHEDULED_PERIOD": 500, "AMQ_SCHEDULED_REPEAT": 1}
            stomp.send("/queue/later", "later", persistent="true", **later)
        broker.kill()
        broker.start()
        with StompPy(broker.ports["stomp"], headers={"client-id": "c"}) as stomp:
            stomp.subscribe("/queue/later", id=2)
            stomp.subscribe("/topic/a", **DURABLE)
            assert sorted(stomp.message().body for _ in range(4)) == ["2", "3", "later", "later"]


AWARE = f"{CONFIG}\n[destinations]\nvirtual_topics_selector_aware = true\n"


def test_what_queues_are_is_known_after_a_kill(tmp_path: Path) -> None:
    """A queue that was to take only what is selected, and to drop what is transient, was a common one after that."""
    queue, topic = "/queue/Consumer.A.VirtualTopic.x", "/topic/VirtualTopic.x"
    with BrokerProcess(tmp_path / "data", "--dev", schemes=("stomp",), config=AWARE) as broker:
        with StompPy(broker.ports["stomp"]) as stomp:
            stomp.send(queue, "first", persistent="true")
            stomp.send("/queue/q", "x", persistent="true")
        broker.kill()
        broker.start()
        with StompPy(broker.ports["stomp"], version="1.1") as stomp:
            stomp.send(topic, "unwanted", persistent="true")
            stomp.subscribe(queue, id=1, selector="n > 1")
            for number in (1, 2):
                stomp.send(topic, str(number), persistent="true", n=number)
            assert stomp.message().body == "2"
            stomp.subscribe(queue, id=2)
            assert stomp.message().body == "first"
            stomp.subscribe("/queue/q", id=3, ack="client-individual")
            stomp.send("/queue/q", "transient")
            for _ in range(2):
                stomp.client.nack(stomp.message().headers["message-id"], 3)
            stomp.subscribe("/queue/ActiveMQ.DLQ", id=4)
            stomp.send("/queue/ActiveMQ.DLQ", "last")
            assert [stomp.message().body for _ in range(2)] == ["x", "last"]


def test_a_transaction_that_was_receipted_is_there_whole(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / "data", "--dev", schemes=("stomp",)) as broker:
        with StompPy(broker.ports["stomp"]) as stomp:
            stomp.send("/queue/from", "x", persistent="true")
            stomp.subscribe("/queue/from", ack="client-individual")
            message = stomp.message()
            stomp.client.begin("t")
            stomp.client.ack(message.headers["ack"], transaction="t")
            for number in range(3):
                stomp.client.send("/queue/to", str(number), persistent="true", transaction="t")
            stomp.client.begin("lost")
            stomp.client.send("/queue/to", "lost", persistent="true", transaction="lost")
            stomp.client.commit("t", receipt="committed")
            assert stomp.receipt() == "committed"
        broker.kill()
        broker.start()
        with StompPy(broker.ports["stomp"]) as stomp:
            stomp.subscribe("/queue/from", id=1)
            stomp.subscribe("/queue/to", id=2)
            found = [stomp.message() for _ in range(3)]
            assert [(each.headers["subscription"], each.body) for each in found] == [("2", "0"), ("2", "1"), ("2", "2")]
            stomp.send("/queue/from", "end")
            assert stomp.message().body == "end"


def test_who_closes_its_side_at_once_gets_its_receipts(tmp_path: Path) -> None:
    """A script that sends through a pipe ends its side behind the last frame, while the journal is still at work."""
    with (
        BrokerProcess(tmp_path / "data", "--dev", schemes=("stomp",)) as broker,
        socket.create_connection(("127.0.0.1", broker.ports["stomp"]), WAIT_S) as client,
    ):
        client.sendall(frame("CONNECT", login="guest", passcode="guest"))
        answer = client.recv(65_536)
        assert answer.startswith(b"CONNECTED\n")
        for number in range(3):
            client.sendall(frame("SEND", b"x", destination="/queue/a", persistent="true", receipt=number))
        client.shutdown(socket.SHUT_WR)
        rest = b"".join(iter(lambda: client.recv(65_536), b""))
        assert [each.headers["receipt-id"] for each in parse_frames(rest)] == ["0", "1", "2"]
