"""The active node of a pair is killed: the other one has topics, subscriptions, and what endpoints have not taken."""

import json
import urllib.request
from pathlib import Path

import pytest

from tests.aws.sns.conftest import Queues
from tests.aws.sns.receiver import Receiver
from tests.aws.sns.test_http import confirmed, verify
from tests.aws.sns.test_restart import PATIENT, clients
from tests.replication import stores
from tests.replication.pair_house import a_pair

pytestmark = [
    stores.NEEDS_ETCD,
    pytest.mark.timeout(300),
]


def test_what_was_answered_arrives_from_the_other_node(tmp_path: Path) -> None:
    """The signing key goes along: receivers that know the certificate go on."""
    texts = {str(number) for number in range(20)}
    with Receiver() as receiver, a_pair(tmp_path, schemes=("aws",), durability="write") as pair:
        killed = pair.active
        sns, sqs = clients(killed)
        topic = sns.create_topic(Name="t")["TopicArn"]
        url = Queues(sqs, sns, "q").subscribed(topic)
        confirmed(sns, topic, receiver, DeliveryPolicy=PATIENT)
        receiver.answer = lambda _: 503
        for text in texts:
            sns.publish(TopicArn=topic, Message=text)
        shown = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        killed.kill()
        other = next(node for node in pair.nodes if node is not killed)
        assert pair.active is other
        sns, sqs = clients(other)
        assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == shown
        assert set(Queues(sqs, sns, "q").texts(url)) == texts
        receiver.answer = lambda _: 200
        while not receiver.arrivals.empty():
            receiver.arrivals.get()
        arrived: set[str] = set()
        while arrived != texts:
            arrived.add(json.loads(receiver.take().body)["Message"])
        # Retries are counted on from what the other node had tried.
        with urllib.request.urlopen(f"http://127.0.0.1:{other.ports['aws']}/_mqbroker/sns/notifications") as answer:
            shown_there = json.load(answer)["Notifications"]
        attempts = [each["Attempts"] for each in shown_there if each["Protocol"] == "http"]
        assert min(attempts) >= 2
        sns.publish(TopicArn=topic, Message="after")
        (notice,) = Queues(sqs, sns, "q").notices(url)
        assert notice["Message"] == "after"
        # The nodes of a real pair have one name; here the link leads to the port of the one that is gone.
        first, second = (f":{node.ports['aws']}/" for node in (killed, other))
        verify({**notice, "SigningCertURL": notice["SigningCertURL"].replace(first, second)})
