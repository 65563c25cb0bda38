"""What advisories say, as ActiveMQ writes its commands in JSON for clients of STOMP (`jms-advisory-json`).

A command is an object with the command's name and its fields. Of those only the ones that mean something here are
there; `commandId` counts nothing.
"""

from collections.abc import Mapping

from mqbroker.protocols.plain_json import dump

QUEUE, TOPIC, TEMP_QUEUE, TEMP_TOPIC = "Queue", "Topic", "TempQueue", "TempTopic"
"""Kinds of destinations, as the topics of advisories have them in their names."""

ADD, REMOVE = 0, 1

_CLASSES = {
    QUEUE: "ActiveMQQueue", TOPIC: "ActiveMQTopic", TEMP_QUEUE: "ActiveMQTempQueue", TEMP_TOPIC: "ActiveMQTempTopic",
}  # fmt: skip
_ANY: Mapping[str, object] = {"commandId": 0, "responseRequired": False}


def encoded(command: Mapping[str, object]) -> bytes:
    """A command as the body of a message."""
    return dump(command)


def connection_info(session: str, user: str) -> dict[str, object]:
    """Somebody has connected."""
    fields = {**_ANY, "connectionId": {"value": session}, "clientId": session, "userName": user, "password": ""}
    return {"ConnectionInfo": fields}


def consumer_info(kind: str, name: str, consumer: str, details: Mapping[str, object]) -> dict[str, object]:
    """Somebody consumes from a destination."""
    fields = {**_ANY, "consumerId": {"value": consumer}, "destination": destination(kind, name), **details}
    return {"ConsumerInfo": fields}


def producer_info(kind: str, name: str, producer: str) -> dict[str, object]:
    """Somebody is about to send to a destination."""
    fields = {**_ANY, "producerId": {"value": producer}, "destination": destination(kind, name), "sentCount": 0}
    return {"ProducerInfo": fields}


def destination_info(kind: str, name: str, operation: int) -> dict[str, object]:
    """A destination is there, or is gone."""
    return {"DestinationInfo": {**_ANY, "destination": destination(kind, name), "operationType": operation}}


def remove_info(kind: str, identifier: str) -> dict[str, object]:
    """A connection or a consumer is gone."""
    return {"RemoveInfo": {**_ANY, "objectId": {"@class": kind, "value": identifier}}}


def message_info(kind: str, name: str, identifier: str) -> dict[str, object]:
    """A message, without its body."""
    return {"ActiveMQMessage": {**_ANY, "destination": destination(kind, name), "messageId": {"value": identifier}}}


def destination(kind: str, name: str) -> dict[str, object]:
    """A destination within a command."""
    return {"@class": _CLASSES[kind], "string": name}
