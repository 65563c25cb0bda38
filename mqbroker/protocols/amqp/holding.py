"""Channels that wait: how they will be answered, and what arrives for them meanwhile.

A channel is held from a durable declaration or a commit until the journal has it, and while something that it asked for
is done in portions. Its answers are kept until then, and
its frames too, so that answers never overtake each other. When it is released the frames are taken up in portions, in
turn with other work; one of them may hold the channel anew, and those after it wait on. A client that sends much ahead
of its answers is not read while more than so much is kept of it.
"""

from collections import deque
from typing import TYPE_CHECKING

from mqbroker.core.scheduler import Task
from mqbroker.protocols.amqp.channel import HELD, OPEN, Channel

if TYPE_CHECKING:
    from mqbroker.protocols.amqp.state import ConnectionState


class HeldFrames(Task):
    """The frames of one channel, in their order."""

    __slots__ = ("_channel", "_connection", "_frames")

    def __init__(self, connection: "ConnectionState", channel: Channel) -> None:
        Task.__init__(self)
        self._connection = connection
        self._channel = channel
        self._frames: deque[bytes] = deque()

    def __len__(self) -> int:
        return len(self._frames)

    def keep(self, frame: bytes) -> None:
        """A frame has arrived."""
        self._frames.append(frame)
        self._connection.held_bytes += len(frame)

    def keep_first(self, frame: bytes) -> None:
        """A frame has to be handled before all others."""
        self._frames.appendleft(frame)
        self._connection.held_bytes += len(frame)

    def drop(self) -> None:
        """The channel is closed."""
        self._connection.held_bytes -= sum(map(len, self._frames))
        self._frames.clear()

    def run(self, now: int, portion: int) -> bool:
        """Handles a portion of them. True when more could be handled."""
        connection, channel = self._connection, self._channel
        if channel.state != HELD:
            return False
        connection.now = now
        if connection.is_held:
            self._wait_for_resources(b"")
        channel.state = OPEN
        left = portion
        while self._frames and left > 0 and channel.state == OPEN and not connection.is_held:
            left -= 1
            frame = self._frames.popleft()
            connection.held_bytes -= len(frame)
            connection.position = 0
            connection.process(frame)
            if connection.is_held:
                self._wait_for_resources(frame[connection.position :])
        has_more = bool(self._frames) and channel.state == OPEN
        if has_more:
            channel.state = HELD
        _went_on(connection)
        return has_more

    def _wait_for_resources(self, rest: bytes) -> None:
        """The client may not publish now: from here on all is held with what else it has sent."""
        self._connection.remainder = rest + b"".join(self._frames) + self._connection.remainder
        self.drop()


def hold(connection: "ConnectionState", channel: Channel) -> None:
    """Holds the channel until everything recorded so far is durable."""
    if connection.ledger.is_journalling:
        channel.state = HELD
        connection.ledger.promise(connection.ledger.position, lambda: release(connection, channel))


def release_once_safe(connection: "ConnectionState", channel: Channel) -> None:
    """Work for which the channel was held is done; but what is recorded of it has to be durable still."""
    if channel.state == HELD and connection.ledger.is_journalling:
        hold(connection, channel)
    else:
        release(connection, channel)


def confirm(connection: "ConnectionState", channel: Channel, frame: bytes) -> None:
    """Answers that messages are safe: when they are, and before deliveries of that turn."""
    if channel.state == HELD:
        channel.held_confirm = frame
    else:
        connection.send_first(frame)


def keep(connection: "ConnectionState", channel: Channel, frame: bytes) -> None:
    """A frame has arrived for a channel that is held."""
    _held(connection, channel).keep(frame)
    connection.update_reading()


def _held(connection: "ConnectionState", channel: Channel) -> HeldFrames:
    held = channel.held
    if held is None:
        held = channel.held = HeldFrames(connection, channel)
    assert isinstance(held, HeldFrames)
    return held


def release_to(connection: "ConnectionState", channel: Channel, frame: bytes) -> None:
    """Releases a channel, which has to handle this frame first."""
    _held(connection, channel).keep_first(frame)
    release(connection, channel)


def release(connection: "ConnectionState", channel: Channel) -> None:
    """The journal has caught up, or work is done: sends what was held back, and handles what has arrived since."""
    if channel.state != HELD:
        return
    if channel.held_confirm:
        connection.send_first(channel.held_confirm)
        channel.held_confirm = b""
    for reply in channel.held_replies:
        connection.send(reply)
    channel.held_replies.clear()
    if channel.held:
        connection.services.broker.scheduler.add(_held(connection, channel))  # it is held until its turn comes
    else:
        channel.state = OPEN
        _went_on(connection)


def _went_on(connection: "ConnectionState") -> None:
    """Some of what was held is done."""
    if connection.confirming:
        connection.settle_confirms()
    connection.update_reading()
    if connection.is_leaving:
        connection.close_once_released()
