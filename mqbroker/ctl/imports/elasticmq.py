"""ElasticMQ's configuration: its queues as those of [[aws.queues]], its address as a listener."""

import json
from pathlib import Path
from typing import Any

from mqbroker.ctl.imports.found import CannotImport, Found, read_text
from mqbroker.ctl.imports.hocon import parse, seconds

_ACCOUNT, _REGION = "000000000000", "us-east-1"
_SPANS = {
    "defaultVisibilityTimeout": "VisibilityTimeout",
    "delay": "DelaySeconds",
    "receiveMessageWait": "ReceiveMessageWaitTimeSeconds",
}
_IGNORED = ("fifo", "deadLettersQueue", "contentBasedDeduplication", "tags")
_NOTED = ("copyTo", "moveTo")
_SECTIONS = ("queues", "rest-sqs", "node-address", "aws", "queues-storage", "messages-storage", "rest-stats",
             "generate-node-address", "akka", "pekko")  # fmt: skip


def take(path: Path, found: Found) -> None:
    """One configuration. Raises CannotImport."""
    data = parse(read_text(path), path.name, found)
    try:
        account, region = _identity(_object(data, "aws"), found)
        _listener(_object(data, "rest-sqs"), found)
        queues = _object(data, "queues")
        for name in queues:
            _queue(name, _object(queues, name), queues, (account, region), found)
        for name in ("queues-storage", "messages-storage"):
            if _object(data, name).get("enabled"):
                found.note(f"{name}: messages stay in the journal here, and those of ElasticMQ are not taken over")
    except ValueError as error:
        raise CannotImport(f"{path.name}: {error}") from None
    for name in data.keys() - set(_SECTIONS):
        found.note(f"{name}: there is no such setting here")


def _object(data: dict[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name, {})
    if not isinstance(value, dict):
        raise ValueError(f"{name} should be an object")
    return value


def _identity(aws: dict[str, Any], found: Found) -> tuple[str, str]:
    account, region = str(aws.get("accountId", _ACCOUNT)).zfill(12), str(aws.get("region", _REGION))
    if not account.isdigit() or len(account) != 12:
        raise ValueError(f"aws.accountId {account!r} has not 12 digits")
    if region == "elasticmq":
        found.note("aws.region elasticmq is the default of ElasticMQ, and is us-east-1 here: name your clients' region")
        region = _REGION
    found.options["aws.account"], found.options["aws.region"] = account, region
    return account, region


def _listener(rest: dict[str, Any], found: Found) -> None:
    if rest.get("enabled") is False:
        return
    host, port = str(rest.get("bind-hostname", "0.0.0.0")), str(rest.get("bind-port", 9324))  # noqa: S104
    if not port.isdecimal():
        raise ValueError(f"rest-sqs.bind-port {port} is no number")
    found.options["listeners"] = [f"aws://{host}:{port}"]
    found.options["aws.auth"] = "any"
    if host not in ("localhost", "127.0.0.1"):
        found.options["security.allow_insecure"] = True
        found.note(f"aws://{host}:{port} lets anybody in who reaches it, as ElasticMQ does: prefer sigv4 and TLS")
    if rest.get("sqs-limits") == "relaxed":
        found.options["aws.sqs_strict"] = False


def _queue(
    name: str, queue: dict[str, Any], queues: dict[str, Any], identity: tuple[str, str], found: Found
) -> None:  # fmt: skip
    is_fifo = queue.get("fifo") is True
    attributes = {ours: str(int(seconds(queue[theirs]))) for theirs, ours in _SPANS.items() if theirs in queue}
    if is_fifo:
        attributes["FifoQueue"] = "true"
        if queue.get("contentBasedDeduplication") is True:
            attributes["ContentBasedDeduplication"] = "true"
    letters = _object(queue, "deadLettersQueue")
    if letters:
        attributes["RedrivePolicy"] = _redrive(name, letters, queues, identity)
    for key in _NOTED:
        if key in queue:
            found.note(f"queue {name!r}: {key} is not done here: bind or move with SNS, AMQP or the console")
    for key in queue.keys() - {*_SPANS, *_IGNORED, *_NOTED}:
        found.note(f"queue {name!r}: {key} is no setting of a queue here")
    tags = {key: str(value) for key, value in _object(queue, "tags").items()}
    table: dict[str, object] = {"name": _full_name(name, is_fifo), "attributes": attributes}
    found.tables.append(("aws.queues", {**table, "tags": tags} if tags else table))


def _full_name(name: str, is_fifo: bool) -> str:
    return f"{name}.fifo" if is_fifo and not name.endswith(".fifo") else name


def _redrive(name: str, letters: dict[str, Any], queues: dict[str, Any], identity: tuple[str, str]) -> str:
    target, count = str(letters.get("name", "")), letters.get("maxReceiveCount", 10)
    if target not in queues or isinstance(count, bool) or not isinstance(count, int):
        raise ValueError(f"the deadLettersQueue of {name!r} is not among the queues, or has no maxReceiveCount")
    full = _full_name(target, _object(queues, target).get("fifo") is True)
    account, region = identity
    arn = f"arn:aws:sqs:{region}:{account}:{full}"
    return json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": count})
