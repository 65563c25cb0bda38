"""What happens when clients read their messages more slowly than others publish them.

QoS 0 messages wait in the client's connection (`Delayed`) up to a bound, beyond which they are dropped and counted;
those of a shared subscription wait in its queue (`SharedBackpressure`), which is bounded too. Before it comes to that,
the MQTT publishers that feed it are held back by not reading from them, for a second at most: so a burst loses nothing,
and a client that has stopped reading stops nobody.

    free --more than HIGH delayed--> publishers held --all sent--> free
                                          |
                                          +-- a second later --> hopeless: nobody waits for it until all is sent
"""

from collections import deque
from typing import TYPE_CHECKING

from mqbroker.core.line import Member
from mqbroker.core.scheduler import Task
from mqbroker.protocols.mqtt.limits import MQTT_DELAYED_BYTES_HIGH, MQTT_DELAYED_BYTES_MAX

if TYPE_CHECKING:
    from mqbroker.protocols.mqtt.parts import Client, SessionRegistry


class Backpressure:
    """Something that has grown too long, and who is held back for it."""

    __slots__ = ("held", "is_hopeless")

    def __init__(self) -> None:
        self.held: set[Client] = set()
        self.is_hopeless = False

    def hold(self, publisher: "Client | None") -> None:
        """Holds a publisher of MQTT back, if it is one and there is hope."""
        if publisher is not None and not self.is_hopeless and publisher not in self.held:
            self.held.add(publisher)
            publisher.hold(self)

    def let_go(self) -> None:
        """Nobody is held back for it any more."""
        held, self.held = self.held, set()
        for publisher in held:
            publisher.unhold(self)

    def give_up(self) -> None:
        """It took too long: nobody waits for it until it is over."""
        self.is_hopeless = True
        self.let_go()

    def end(self) -> None:
        """It is over."""
        self.is_hopeless = False
        self.let_go()


class SharedBackpressure(Backpressure):
    """The queue of a shared subscription: its members do not keep up."""

    __slots__ = ("_registry",)

    def __init__(self, registry: "SessionRegistry") -> None:
        Backpressure.__init__(self)
        self._registry = registry

    def grew(self) -> None:
        """The queue is too long, and there is one message more."""
        self.hold(self._registry.publisher)

    def shrank(self) -> None:
        """It is short again."""
        self.end()


class Delayed(Backpressure):
    """The packets that wait until one client reads again."""

    __slots__ = ("byte_count", "connection", "packets", "sender")

    def __init__(self, connection: "Client") -> None:
        Backpressure.__init__(self)
        self.connection = connection
        self.packets: deque[bytes] = deque()
        self.byte_count = 0
        self.sender = Sender(self)

    def add(self, packet: bytes) -> bool:
        """Keeps a packet; False when there is no room for it."""
        if self.byte_count + len(packet) > MQTT_DELAYED_BYTES_MAX:
            return False
        self.packets.append(packet)
        self.byte_count += len(packet)
        if self.sender.line is None:
            self.connection.gate.join(self.sender)
        if self.byte_count > MQTT_DELAYED_BYTES_HIGH:
            self.hold(self.connection.registry.publisher)
        return True

    def flush(self, portion: int) -> int:
        """Moves up to so many packets to the output, as far as the client takes them. How many it was."""
        connection, packets = self.connection, self.packets
        left = portion
        while packets and left > 0 and connection.gate.is_open:
            left -= 1
            packet = packets.popleft()
            self.byte_count -= len(packet)
            connection.send_delivery(packet)
        if packets:
            connection.gate.join(self.sender)
        else:
            connection.delayed = None
            self.end()
        return portion - left

    def drop(self) -> None:
        """The connection is gone."""
        self.let_go()
        if self.sender.line is not None:
            self.sender.line.leave(self.sender)


class Sender(Member):
    """Stands for the packets in the line of those who wait for the client, in turn with the session's queues."""

    __slots__ = ("_delayed",)

    def __init__(self, delayed: Delayed) -> None:
        Member.__init__(self)
        self._delayed = delayed

    def take_turn(self, portion: int, _now: int) -> int:
        """Sends some of them."""
        return self._delayed.flush(portion)

    def schedule(self, task: Task) -> None:
        """Has the task run in portions."""
        self._delayed.connection.registry.broker.scheduler.add(task)
