"""What happens when clients read their messages more slowly than others publish them.

QoS 0 messages wait in the client's connection (`Delayed`) up to a bound, beyond which they are dropped and counted;
those of a shared subscription wait in its queue (`SharedJam`), which is bounded too. Before it comes to that, the MQTT
publishers that feed it are held back by not reading from them, for a second at most: so a burst loses nothing, and a
client that has stopped reading stops nobody.

    free --more than HIGH delayed--> publishers held --all sent--> free
                                          |
                                          +-- a second later --> hopeless: nobody waits for it until all is sent
"""

from typing import TYPE_CHECKING

from mqbroker.limits import MQTT_DELAYED_BYTES_HIGH, MQTT_DELAYED_BYTES_MAX, OUTPUT_HIGH_WATER_BYTES
from mqbroker.protocols.mqtt import pacing

if TYPE_CHECKING:
    from mqbroker.protocols.mqtt.connection import MqttConnection
    from mqbroker.protocols.mqtt.sessions import Sessions


class Jam:
    """Something that has grown too long, and who is held back for it."""

    __slots__ = ("held", "is_hopeless")

    def __init__(self) -> None:
        self.held: set[MqttConnection] = set()
        self.is_hopeless = False

    def hold(self, publisher: "MqttConnection | None") -> None:
        """Holds a publisher of MQTT back, if it is one and there is hope."""
        if publisher is not None and not self.is_hopeless and publisher not in self.held:
            self.held.add(publisher)
            pacing.hold(publisher, self)

    def let_go(self) -> None:
        """Nobody is held back for it any more."""
        held, self.held = self.held, set()
        for publisher in held:
            pacing.unhold(publisher, self)

    def give_up(self) -> None:
        """It took too long: nobody waits for it until it is over."""
        self.is_hopeless = True
        self.let_go()

    def end(self) -> None:
        """It is over."""
        self.is_hopeless = False
        self.let_go()


class SharedJam(Jam):
    """The queue of a shared subscription: its members do not keep up."""

    __slots__ = ("_hub",)

    def __init__(self, hub: "Sessions") -> None:
        Jam.__init__(self)
        self._hub = hub

    def grew(self) -> None:
        """The queue is too long, and there is one message more."""
        self.hold(self._hub.publisher)

    def shrank(self) -> None:
        """It is short again."""
        self.end()


class Delayed(Jam):
    """The packets that wait until one client reads again."""

    __slots__ = ("byte_count", "connection", "packets")

    def __init__(self, connection: "MqttConnection") -> None:
        Jam.__init__(self)
        self.connection = connection
        self.packets: list[bytes] = []
        self.byte_count = 0

    def add(self, packet: bytes) -> bool:
        """Keeps a packet; False when there is no room for it."""
        if self.byte_count + len(packet) > MQTT_DELAYED_BYTES_MAX:
            return False
        self.packets.append(packet)
        self.byte_count += len(packet)
        if self.byte_count > MQTT_DELAYED_BYTES_HIGH:
            self.hold(self.connection.hub.publisher)
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
            self.end()
