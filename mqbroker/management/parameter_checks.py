"""What parameters of shovels and federation may be, with RabbitMQ's sentences. Nothing acts on them here, and so a
mistake would only show when they are taken elsewhere."""

from collections.abc import Callable, Iterator, Mapping

from mqbroker.core.rabbitmq.erlang_text import json_text, pairs_text

Check = Callable[[object], bool]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_truth(value: object) -> bool:
    return isinstance(value, bool)


def _is_uri(value: object) -> bool:
    texts = value if isinstance(value, list) and value else [value]
    return all(isinstance(text, str) and text.startswith(("amqp://", "amqps://")) for text in texts)


def _is_one_of(*choices: str) -> Check:
    return lambda value: value in choices


def _is_anything(_value: object) -> bool:
    return True


def _is_span(value: object) -> bool:
    return _is_number(value) or value in ("never", "queue-length")


_ACK_MODE = (_is_one_of("on-confirm", "on-publish", "no-ack"), "should be one of on-confirm, on-publish and no-ack")
_TEXT, _NUMBER = (_is_text, "should be a binary string"), (_is_number, "should be a number")
_TRUTH, _URI, _ANY = (_is_truth, "should be a boolean"), (_is_uri, "should be a URI"), (_is_anything, "")
_Rules = Mapping[str, tuple[Check, str]]

_SHOVEL: _Rules = {
    **dict.fromkeys(("src-uri", "dest-uri"), _URI),
    **dict.fromkeys(("src-protocol", "dest-protocol"), (_is_one_of("amqp091", "amqp10", "local"), "is no protocol")),
    **dict.fromkeys(
        (
            "src-queue", "src-exchange", "src-exchange-key", "dest-queue", "dest-exchange",
            "dest-exchange-key", "src-address", "dest-address",
        ),
        _TEXT,
    ),
    **dict.fromkeys(("src-prefetch-count", "prefetch-count", "reconnect-delay"), _NUMBER),
    **dict.fromkeys(("src-delete-after", "delete-after"), (_is_span, "should be never, queue-length or a number")),
    **dict.fromkeys(
        (
            "dest-add-forward-headers", "add-forward-headers", "dest-add-timestamp-header", "add-timestamp-header",
            "src-predeclared", "dest-predeclared",
        ),
        _TRUTH,
    ),
    **dict.fromkeys(
        (
            "src-consumer-args", "src-queue-args", "dest-queue-args", "dest-publish-properties", "publish-properties",
            "dest-properties", "dest-application-properties", "dest-message-annotations",
        ),
        _ANY,
    ),
    "ack-mode": _ACK_MODE,
}  # fmt: skip
_UPSTREAM: _Rules = {
    "uri": _URI,
    **dict.fromkeys(("exchange", "queue", "consumer-tag"), _TEXT),
    **dict.fromkeys(("prefetch-count", "reconnect-delay", "max-hops", "expires", "message-ttl"), _NUMBER),
    **dict.fromkeys(("trust-user-id", "bind-nowait"), _TRUTH),
    "ack-mode": _ACK_MODE,
    "queue-type": (_is_one_of("classic", "quorum"), "should be classic or quorum"),
    "resource-cleanup-mode": (_is_one_of("default", "never"), "should be default or never"),
    "channel-use-mode": (_is_one_of("multiple", "single"), "should be multiple or single"),
    "ha-policy": _TEXT,
}


def faults(component: str, name: str, value: object) -> list[str]:
    """Why a parameter is refused; none when it is not."""
    if component == "federation-upstream-set":
        return list(_set_faults(value))
    if not isinstance(value, Mapping):
        return [f"{name} should be an object, actually was {json_text(value)}"]
    if component == "shovel":
        return [*_rule_faults(_SHOVEL, ("src-uri", "dest-uri"), name, value), *_shovel_faults(value)]
    return list(_rule_faults(_UPSTREAM, ("uri",), name, value))


def _rule_faults(rules: _Rules, needed: tuple[str, ...], name: str, value: Mapping[str, object]) -> Iterator[str]:
    for key in needed:
        if key not in value:
            yield f'Key "{key}" not found in {name}'
    unknown = {key: part for key, part in value.items() if key not in rules}
    if unknown:
        yield f"Unrecognised terms {pairs_text(unknown)} in {name}"
    for key, part in value.items():
        check, sentence = rules.get(key, _ANY)
        if not check(part):
            yield f"{key} {sentence}, actually was {json_text(part)}"


def _shovel_faults(value: Mapping[str, object]) -> Iterator[str]:
    if value.get("src-protocol") == "amqp10":
        return
    if "src-queue" in value and "src-exchange" in value:
        yield "Cannot specify 'src-exchange' and 'src-queue'"
    elif "src-queue" not in value and "src-exchange" not in value:
        yield "Must specify 'src-exchange' or 'src-queue'"
    if "dest-queue" in value and "dest-exchange" in value:
        yield "Cannot specify 'dest-exchange' and 'dest-queue'"


def _set_faults(value: object) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"federation-upstream-set should be a list, actually was {json_text(value)}"
        return
    for each in value:
        if not isinstance(each, Mapping) or not isinstance(each.get("upstream"), str):
            yield f'Key "upstream" not found in {json_text(each)}'
