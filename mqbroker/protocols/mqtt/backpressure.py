"""What happens when a client reads its QoS 0 messages more slowly than others publish them.

They wait in its connection (`Delayed`) up to a bound, beyond which they are dropped and counted. Before it comes to
that, the MQTT publishers that feed it are held back by not reading from them, for a second at most: so a burst loses
nothing, and a client that has stopped reading stops nobody.

    free --more than HIGH delayed--> publishers held --all sent--> free
                                          |
                                          +-- a second later --> hopeless: nobody waits for it until all is sent
"""

from typing import TYPE_CHECKING

from mqbroker.limits import MQTT_DELAYED_BYTES_HIGH, MQTT_DELAYED_BYTES_MAX, MQTT_HOLD_MS, OUTPUT_HIGH_WATER_BYTES

if TYPE_CHECKING:
    from mqbroker.protocols.mqtt.connection import MqttConnection


class Delayed:
    """The packets that wait until one client reads again, and who is held back for it."""

    __slots__ = ("byte_count", "connection", "held", "is_hopeless", "packets")

    def __init__(self, connection: "MqttConnection") -> None:
        self.connection = connection
        self.packets: list[bytes] = []
        self.byte_count = 0
        self.held: set[MqttConnection] = set()
        self.is_hopeless = False

    def add(self, packet: bytes) -> bool:
        """Keeps a packet; False when there is no room for it."""
        if self.byte_count + len(packet) > MQTT_DELAYED_BYTES_MAX:
            return False
        self.packets.append(packet)
        self.byte_count += len(packet)
        publisher = self.connection.hub.publisher
        if self.byte_count > MQTT_DELAYED_BYTES_HIGH and not self.is_hopeless and publisher is not None:
            self.held.add(publisher)
            publisher.hold(self)
        return True

    def flush(self) -> None:
        """The client reads: moves packets to its output, up to the high-water mark."""
        connection = self.connection
        taken = 0
        for packet in self.packets:
            if len(connection.out) > OUTPUT_HIGH_WATER_BYTES:
                break
            connection.send(packet)
            self.byte_count -= len(packet)
            taken += 1
        del self.packets[:taken]
        if not self.packets:
            self.is_hopeless = False
            self.let_go()

    def let_go(self) -> None:
        """Nobody is held back for this client any more."""
        held, self.held = self.held, set()
        for publisher in held:
            publisher.unhold(self)

    def give_up(self) -> None:
        """It took too long: nobody waits for it until it has caught up."""
        self.is_hopeless = True
        self.let_go()


def hold_until(now: int) -> int:
    """Until when a publisher is held back at most."""
    return now + MQTT_HOLD_MS
