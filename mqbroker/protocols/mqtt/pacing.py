"""Whether a connection is read, what of its input is held back, and when it is looked at next.

Nothing is read while something waits for the log-in to be decided (3.1.1 §3.1.4: what follows CONNECT may be here
already; who is silent meanwhile is read, for it may also go away), while the client publishes faster than it may, or
while others cannot keep up with it (backpressure.py).

While memory or disk is low no message is taken, whoever sends it, but the connection is read on: who is pinged has to
answer, or the client connects again, and only acknowledgements make room. So what came is looked through, and what has
to keep its order waits in `held`, from the first message on. Beyond a bound reading ends.
"""

from typing import TYPE_CHECKING

from mqbroker.errors import AccessPending
from mqbroker.protocols.mqtt import stages
from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.limits import MQTT_HELD_BYTES_MAX, MQTT_HOLD_MS

if TYPE_CHECKING:
    from mqbroker.protocols.mqtt.backpressure import Backpressure
    from mqbroker.protocols.mqtt.connection_state import MqttConnectionState

_PASSING = frozenset((c.PINGREQ, c.PUBACK, c.PUBREC, c.PUBCOMP))
"""What may overtake a message that is held back: it has nothing to do with what the client publishes."""


def limit_rate(connection: "MqttConnectionState") -> None:
    """Reads no more until the second is over, when the client publishes more than it may."""
    second = connection.now // 1000
    if second != connection.rate_window:
        connection.rate_window = second
        connection.publishes = 0
    elif connection.publishes > connection.registry.settings.receive_rate_max and not connection.is_rate_limited:
        connection.is_rate_limited = True
        _rest(connection, (second + 1) * 1000)


def wait_for(connection: "MqttConnectionState", pending: AccessPending) -> None:
    """Whether the packet at hand is allowed is not known yet: it is taken again when it is, and nothing before it."""
    connection.counters.uncount_packet()
    connection.is_asking = True

    def known(now: int) -> None:
        connection.is_asking = False
        if connection.state == stages.OPEN:
            connection.now = max(now, connection.now)
            connection.registry.now = max(now, connection.registry.now)
            connection.process(connection.take_parts())
            update(connection)

    pending.when_known(known)


def hold(connection: "MqttConnectionState", pressure: "Backpressure") -> None:
    """Others cannot keep up with what this one publishes: reads no more from it for a while."""
    is_first = not connection.held_by
    connection.held_by.add(pressure)
    if is_first:
        _rest(connection, connection.now + MQTT_HOLD_MS)


def _rest(connection: "MqttConnectionState", until: int) -> None:
    connection.resume_at = until
    update(connection)
    set_deadline(connection)


def unhold(connection: "MqttConnectionState", pressure: "Backpressure") -> None:
    """They have caught up, or are not waited for any longer."""
    connection.held_by.discard(pressure)
    update(connection)


def go_on(connection: "MqttConnectionState") -> None:
    """The time is up for which others or the rate were waited for."""
    for pressure in list(connection.held_by):
        pressure.give_up()
    connection.is_rate_limited = False
    update(connection)


def alarms_changed(connection: "MqttConnectionState") -> None:
    """A resource has run low, or has recovered: then what was held back is taken up with the next tick."""
    if connection.state != stages.OPEN:
        return
    connection.is_blocked = bool(connection.registry.services.alarms.reason)
    connection.appetite = MQTT_HELD_BYTES_MAX if connection.is_blocked else 0
    update(connection)
    set_deadline(connection)


def hold_back(connection: "MqttConnectionState", first: int, packet: bytes) -> bool:
    """Keeps a packet that has to wait until the resources have recovered; False for one that has not."""
    kind = first >> 4
    if kind != c.PUBLISH and (not connection.held or kind in _PASSING):
        return False
    connection.held.append(packet)
    connection.held_bytes += len(packet)
    return True


def update(connection: "MqttConnectionState") -> None:
    """Reads, or does not, as there are reasons for it."""
    has_enough = connection.parts if connection.is_waiting else _holds_enough(connection)
    is_reading = not (has_enough or connection.held_by or connection.is_rate_limited)
    if is_reading is connection.is_reading:
        return
    connection.set_reading(is_reading)
    if is_reading:
        # It could not be heard while nobody listened.
        connection.received_at = max(connection.received_at, connection.registry.now)
        set_deadline(connection)


def _holds_enough(connection: "MqttConnectionState") -> bool:
    """Whether the input that is held back is as much as is kept, or will not get more."""
    if not connection.is_blocked:
        return False
    held, parts = connection.held, connection.parts
    if held and held[-1][0] >> 4 == c.DISCONNECT:
        return True  # the end of the stream, seen now, would drop the messages before it
    is_held = bool(held) or (bool(parts) and parts[0][0] >> 4 == c.PUBLISH)
    return is_held and connection.held_bytes + connection.parts_bytes > MQTT_HELD_BYTES_MAX


def set_deadline(connection: "MqttConnectionState") -> None:
    """When to look at the connection next: at once if something can be taken up, else for the keep alive."""
    if connection.held and not connection.is_blocked:
        connection.deadline = 1
    elif connection.held_by or connection.is_rate_limited:
        connection.deadline = connection.resume_at
    elif connection.keep_alive_ms:
        connection.deadline = max(connection.received_at + connection.keep_alive_ms, connection.now + 1)
    else:
        connection.deadline = 0
