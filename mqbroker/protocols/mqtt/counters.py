"""What all connections of MQTT count: plain integers, bumped where the work is done and read by whoever reports on it.

They never go down, but for the numbers of what there is at present: connected clients and subscriptions.
"""


class Counters:
    """One object for all connections."""

    __slots__ = (
        "bytes_received", "bytes_sent", "clients_connected", "clients_connected_max", "connects_received", "dropped",
        "others_sent", "packets_received", "publish_bytes_received", "publish_bytes_sent", "publishes_received",
        "publishes_received_qos1", "publishes_received_qos2", "publishes_sent", "publishes_sent_qos1",
        "publishes_sent_qos2", "sessions_expired", "shared_subscriptions", "sockets_opened", "subscriptions",
        "system_subscriptions",
    )  # fmt: skip

    def __init__(self) -> None:
        self.sockets_opened = 0
        self.connects_received = 0
        self.bytes_received = 0
        self.bytes_sent = 0
        self.packets_received = 0
        self.others_sent = 0
        """Packets that are no PUBLISH."""
        self.publishes_received = self.publishes_received_qos1 = self.publishes_received_qos2 = 0
        """All of them, and those of QoS 1 and 2."""
        self.publishes_sent = self.publishes_sent_qos1 = self.publishes_sent_qos2 = 0
        """The same, each time that one is sent."""
        self.publish_bytes_received = 0
        """Of payloads."""
        self.publish_bytes_sent = 0
        self.dropped = 0
        """Messages that a client did not get, or that were not taken from one, because of a limit."""
        self.sessions_expired = 0
        self.clients_connected = 0
        self.clients_connected_max = 0
        self.subscriptions = 0
        self.shared_subscriptions = 0
        self.system_subscriptions = 0
        """Those of $SYS topics."""

    def uncount_packet(self) -> None:
        """A packet that was counted is to come again."""
        self.packets_received -= 1

    def uncount_publish(self, qos: int, body_bytes: int) -> None:
        """The same for a PUBLISH."""
        self.publishes_received -= 1
        self.publishes_received_qos1 -= qos == 1
        self.publishes_received_qos2 -= qos == 2
        self.publish_bytes_received -= body_bytes
