"""What only one protocol has, shown to operators: sessions of MQTT, retained topics, queues of SQS, topics of SNS."""

import base64
import json
from typing import Any

import pytest

from tests.management.api import Api, segment
from tests.mqtt.paho_client import Paho
from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(120)


def of(view: str, *names: str) -> str:
    """The path of a view, or of a thing in it."""
    return "/".join(("mqbroker/views", view, *map(segment, names)))


def named(api: Api, view: str, name: str) -> Any:
    """The line of a thing."""
    (found,) = [each for each in api.get(of(view)) if each["name"] == name]
    return found


def test_a_session_of_a_client_that_is_away_is_shown_and_ended(broker: BrokerProcess, api: Api) -> None:
    """Who is away and what waits for them could be seen by nobody."""
    with Paho(broker.ports["mqtt"], "meter-7", 5, expiry_s=600) as meter:
        meter.client.subscribe("meters/7/#", qos=1)
        meter.event("subscribed")
        found = named(api, "mqtt/sessions", "meter-7")
        assert found["connected"] is True
        assert found["protocol"] == "MQTT 5.0"
        assert "->" in found["connection"]
        assert found["expiry_s"] == 600
    eventually(lambda: named(api, "mqtt/sessions", "meter-7")["connected"] is False)
    with Paho(broker.ports["mqtt"], "other", 5) as other:
        other.client.publish("meters/7/set", "on", qos=1)
        other.event("published")
    assert named(api, "mqtt/sessions", "meter-7")["queued"] == 1
    detail = api.get(of("mqtt/sessions", "/", "meter-7"))
    assert [(each["filter"], each["qos"]) for each in detail["subscription_list"]] == [("meters/7/#", 1)]
    assert detail["queues"] == ["mqtt-subscription-meter-7qos1"]
    assert [each["name"] for each in api.get(f"{of('mqtt/sessions')}?name=METER&sort=queued")] == ["meter-7"]
    assert api.delete(of("mqtt/sessions", "/", "meter-7")) == 204
    assert api.refused("GET", of("mqtt/sessions", "/", "meter-7"))[0] == 404
    assert api.refused("GET", "queues/%2F/mqtt-subscription-meter-7qos1")[0] == 404


def test_retained_topics_are_a_tree_of_which_one_or_a_branch_is_cleared(broker: BrokerProcess, api: Api) -> None:
    """A retained message could only be cleared by whoever knew its topic."""
    with Paho(broker.ports["mqtt"], "retainer", 5) as retainer:
        for topic in ("tree/a/1", "tree/a/2", "tree/a", "tree/b"):
            retainer.client.publish(topic, f"at {topic}", qos=1, retain=True)
            retainer.event("published")
    below = [each for each in api.get(f"{of('mqtt/retained')}?level=tree") if each["vhost"] == "/"]
    assert [(each["name"], each["count"], each["is_leaf"]) for each in below] == [
        ("tree/a", 3, True),
        ("tree/b", 1, True),
    ]
    assert {"name": "tree", "vhost": "/", "count": 4, "below": 4, "is_leaf": False} in api.get(
        f"{of('mqtt/retained')}?level="
    )
    found = api.get(of("mqtt/retained", "/", "tree/a/1"))
    assert base64.b64decode(found["payload"]) == b"at tree/a/1"
    assert found["bytes"] == found["payload_bytes"] == 11
    assert api.delete(of("mqtt/retained", "/", "tree/b")) == 204
    reply = api.call("DELETE", f"{of('mqtt/retained', '/', 'tree/a')}?branch=true")
    assert reply.body == {"deleted": 3}
    assert api.get(f"{of('mqtt/retained')}?level=tree") == []


def test_who_looks_needs_a_tag_and_for_content_the_right_to_read(broker: BrokerProcess, api: Api) -> None:
    """A monitoring user could read what is retained in vhosts that are not theirs."""
    with Paho(broker.ports["mqtt"], "secret-keeper", 5) as keeper:
        keeper.client.publish("secrets/1", "sesame", qos=1, retain=True)
        keeper.event("published")
    path = of("mqtt/retained", "/", "secrets/1")
    manager = api.add_user("view-manager", "management")
    assert manager.refused("GET", of("mqtt/sessions")) == (401, "not_authorised", "Not monitor user")
    stranger = api.add_user("view-stranger", "monitoring", vhost=None)
    assert stranger.get(of("mqtt/retained")) == []
    assert stranger.refused("GET", path)[0] == 401
    blind = api.add_user("view-blind", "monitoring", right="")
    assert "secrets/1" in {each["name"] for each in blind.get(of("mqtt/retained"))}
    assert blind.refused("GET", path) == (401, "not_authorised", "Access refused.")
    assert blind.refused("DELETE", path) == (401, "not_authorised", "Not administrator user")


def test_a_queue_of_sqs_has_attributes_and_its_dead_letters_go_back(broker: BrokerProcess, api: Api) -> None:
    """In flight, delayed, age, policies, and a redrive with its progress: the emulators show none of it."""
    sqs = client(broker, "sqs")
    dead = sqs.create_queue(QueueName="shown-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "1"})
    live = sqs.create_queue(QueueName="shown-live", Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "0"})
    url = live["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="again")
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=600)
    for _ in range(3):
        sqs.receive_message(QueueUrl=url)
    eventually(lambda: named(api, "sqs/queues", "shown-dead")["visible"] == 1)
    found = named(api, "sqs/queues", "shown-live")
    assert found["delayed"] == 1
    assert found["dead_letter_queue"] == "shown-dead"
    assert found["receive_max"] == 1
    detail = api.get(of("sqs/queues", "/", "shown-dead"))
    assert detail["sources"] == ["shown-live"]
    assert detail["attributes"]["VisibilityTimeout"] == "30"
    assert api.get(of("sqs/queues", "/", "shown-live"))["documents"]["RedrivePolicy"]["maxReceiveCount"] in (1, "1")
    assert api.post(f"{of('sqs/queues', '/', 'shown-dead')}/redrive")["Status"] in ("RUNNING", "COMPLETED")
    eventually(lambda: named(api, "sqs/queues", "shown-live")["visible"] == 1)
    (task,) = api.get(of("sqs/queues", "/", "shown-dead"))["move_tasks"]
    assert task["ApproximateNumberOfMessagesMoved"] == 1
    assert task["Status"] == "COMPLETED"
    assert api.refused("POST", f"{of('sqs/queues', '/', 'shown-dead')}/cancel") == (
        400, "bad_request", "no task is moving messages of this queue",
    )  # fmt: skip
    refused = api.refused("POST", f"{of('sqs/queues', '/', 'shown-live')}/redrive")
    assert refused == (400, "bad_request", "Source queue must be configured as a Dead Letter Queue.")


def test_a_topic_of_sns_says_who_would_get_a_message(broker: BrokerProcess, api: Api) -> None:
    """Whether a filter policy fits could only be found out by publishing."""
    sns, sqs = client(broker, "sns"), client(broker, "sqs")
    topic = sns.create_topic(Name="shown-topic")["TopicArn"]
    for name, policy in (("shown-all", None), ("shown-red", {"colour": ["red"]})):
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        attributes = {} if policy is None else {"FilterPolicy": json.dumps(policy)}
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    sns.publish(TopicArn=topic, Message="blue")
    found = named(api, "sns/topics", "shown-topic")
    assert (found["subscriptions"], found["published"], found["filtered"]) == (2, 1, 1)
    detail = api.get(of("sns/topics", "/", "shown-topic"))
    by_queue = {each["endpoint"].rpartition(":")[2]: each for each in detail["subscription_list"]}
    assert by_queue["shown-red"]["filter_policy"] == {"colour": ["red"]}
    path = f"{of('sns/topics', '/', 'shown-topic')}/try"
    assert api.post(path, {"attributes": {"colour": "blue"}})["wanted_by"] == [by_queue["shown-all"]["id"]]
    assert len(api.post(path, {"attributes": {"colour": "red"}, "body": "x"})["wanted_by"]) == 2
    assert api.refused("POST", path, {"attributes": []})[0] == 400


def test_views_that_are_not_there_are_said_to_be_missing(api: Api) -> None:
    """No status 500, whatever is asked for."""
    assert api.get("mqbroker/views") == ["mqtt/retained", "mqtt/sessions", "sns/topics", "sqs/queues"]
    assert api.refused("GET", of("mqtt/nothing"))[0] == 404
    assert api.refused("GET", of("mqtt/sessions", "nowhere", "x"))[0] == 404
    assert api.refused("POST", f"{of('mqtt/sessions', '/', 'x')}/explode")[0] == 404
    assert api.refused("DELETE", of("sqs/queues", "/", "x"))[0] == 400
    assert api.get("mqbroker/pair") == {}
