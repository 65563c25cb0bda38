"""Dead-lettering: what is written on a message that leaves a queue without having been processed.

Owns the `x-death` header and the rule that ends cycles. Where the copy goes is the vhost's business, to which this
module is a `History` (core/routing/dead_letters.py).

`x-death` is an array of tables, newest first; one for each pair of queue and reason, with a `count`. Only what this
broker wrote itself counts: a client that publishes a message with an `x-death` of its own starts a new history
(RabbitMQ 4.0 does the same; 3.x took the client's word).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mqbroker.core.message import Message
from mqbroker.core.properties import Properties
from mqbroker.core.values import Timestamp

if TYPE_CHECKING:
    from mqbroker.core.queues.classic import ClassicQueue

Death = dict[str, object]


def headers_of_dead_letter(queue: "ClassicQueue", message: Message, reason: str, now: int) -> dict[str, object]:
    """The headers of a message that dies in `queue`, with its history brought up to date."""
    headers = dict(message.properties.headers())
    is_first = not message.properties.is_dead_letter
    known = [] if is_first else deaths_in(headers)
    deaths = _with_death(known, queue.name, reason, message, headers, now)
    _note_in_short(headers, deaths[0], is_first)
    headers["x-death"] = deaths
    if queue.dead_letter_key is not None:
        headers.pop("CC", None)
    return headers


def properties_of_dead_letter(
    queue: "ClassicQueue", properties: Properties, headers: Mapping[str, object]
) -> Properties:
    """The properties of a dead letter of the queue with these headers."""
    if queue.dead_letter_key is not None:
        properties = properties.without_blind_copies()
    changed = properties.with_headers(headers, drop_expiration=True)
    changed.mark_dead_letter()
    return changed


def deaths_in(headers: Mapping[str, object]) -> list[Death]:
    """The history in the headers of a dead letter, newest first."""
    found = headers.get("x-death")
    return [dict(each) for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def goes_round(queue_name: str, headers: Mapping[str, object]) -> bool:
    """Whether a dead letter with these headers comes to a queue where it died before, and would go round for ever."""
    return is_cycle(queue_name, deaths_in(headers))


def is_cycle(queue_name: str, deaths: list[Death]) -> bool:
    """Whether a message has come round to a queue where it died before, with no client's rejection on the way.

    Such a message would go round for ever by itself, so it is dropped (RabbitMQ's rule).
    """
    for position, death in enumerate(deaths):
        if death.get("queue") == queue_name:
            return all(each.get("reason") != "rejected" for each in deaths[: position + 1])
    return False


def _with_death(
    deaths: list[Death], queue_name: str, reason: str, message: Message, headers: Mapping[str, object], now: int
) -> list[Death]:
    """The history with one more death: counted up and moved to the front if it has happened before."""
    for position, death in enumerate(deaths):
        if death.get("queue") == queue_name and death.get("reason") == reason:
            count = death.get("count")
            death["count"] = (count if isinstance(count, int) else 0) + 1
            return [death, *deaths[:position], *deaths[position + 1 :]]
    death = {
        "count": 1,
        "reason": reason,
        "queue": queue_name,
        "time": Timestamp(now // 1000),
        "exchange": message.exchange,
        "routing-keys": [message.routing_key, *carbon_copies(headers, "CC")],
    }
    expiration = message.properties.text("expiration")
    if expiration is not None:
        death["original-expiration"] = expiration
    return [death, *deaths]


def _note_in_short(headers: dict[str, object], death: Death, is_first: bool) -> None:
    """Headers that say the same for clients that do not read the history. A client's own of these names are replaced:
    who publishes a dead letter anew sends them along."""
    for part in ("reason", "queue", "exchange"):
        headers[f"x-last-death-{part}"] = death[part]
        if is_first:
            headers[f"x-first-death-{part}"] = death[part]


def carbon_copies(headers: Mapping[str, object], name: str) -> list[str]:
    """The routing keys in a `CC` or `BCC` header; empty when there is none. Non-strings are passed over."""
    found = headers.get(name)
    return [key for key in found if isinstance(key, str)] if isinstance(found, list) else []


def all_keys(message: Message) -> list[str]:
    """Every routing key of a message: its own and its carbon copies', blind ones included."""
    properties = message.properties
    return [message.routing_key, *carbon_copies(properties.headers(), "CC"), *properties.blind_copies()]
