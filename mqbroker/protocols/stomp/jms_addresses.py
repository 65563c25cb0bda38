"""Destinations as ActiveMQ writes them.

/queue/a.b, /topic/a.b       queues and topics; a composite one has several, a wildcard one matches several
/temp-queue/n, /temp-topic/n of the connection, which calls them so
/remote-temp-queue/ID        another connection's, as a reply-to has it
anything else                a queue of that very name
"""

from mqbroker.core.destinations.names import Destination, destinations_in, without_options
from mqbroker.core.destinations.naming import Naming
from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.stomp.addresses import QUEUE, TEMPORARY, TOPIC, Address

TEMPORARY_TOPIC = "temp-topic"
REMOTE = "remote-temp-queue"
REMOTE_TOPIC = "remote-temp-topic"

_SINGLE = (TEMPORARY, TEMPORARY_TOPIC, REMOTE, REMOTE_TOPIC)


def parse_jms_address(destination: str) -> list[Address]:
    """The addresses that a destination names. Raises ProtocolViolation for none."""
    found: list[Address] = []
    for kind in _SINGLE:
        if destination.startswith(f"/{kind}/"):
            found = [Address(kind, destination.removeprefix(f"/{kind}/"))]
    if not found:
        found = _queues_and_topics(destination)
    if not found or not all(each.name for each in found):
        raise ProtocolViolation("Invalid empty or 'null' Destination header", f"{destination}\n")
    return found


def places_of(addresses: list[Address], naming: Naming) -> list[Address]:
    """Where what is sent to these goes to: composite destinations stand for others by setting."""
    found: list[Address] = []
    for each in addresses:
        if each.kind in (QUEUE, TOPIC):
            found += [Address(*place) for place in naming.places_of(Destination(each.kind, each.name))]
        else:
            found.append(each)
    return found


def options_of(destination: str) -> dict[str, str]:
    """The consumer's options after a destination."""
    return without_options(destination)[1]


def _queues_and_topics(destination: str) -> list[Address]:
    for kind in (QUEUE, TOPIC):
        if destination.startswith(f"/{kind}/"):
            name, _ = without_options(destination.removeprefix(f"/{kind}/"))
            return [Address(each.kind, each.name) for each in destinations_in(name, kind)]
    return [Address(QUEUE, destination)] if destination else []
