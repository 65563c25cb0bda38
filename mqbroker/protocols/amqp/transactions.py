"""Class tx and class confirm: the two ways in which a channel can be told that its messages are safe.

A transaction (core/transaction.py) collects publishes and settlements, which the journal has in one batch: all or
nothing. commit-ok waits for that batch.
"""

from typing import TYPE_CHECKING, Any

from mqbroker.core.message import Message
from mqbroker.core.queues.base import REJECTED, UNROUTED
from mqbroker.core.routing.targets import Targets
from mqbroker.core.settling import ACK
from mqbroker.core.transaction import Transaction
from mqbroker.errors import PreconditionFailed
from mqbroker.protocols.amqp import basic_methods, holding
from mqbroker.protocols.amqp.exchange_methods import reply_unless_nowait
from mqbroker.protocols.amqp.methods import encode_method

if TYPE_CHECKING:
    from mqbroker.protocols.amqp.channel import Channel
    from mqbroker.protocols.amqp.parts import UnderWay
    from mqbroker.protocols.amqp.state import ConnectionState


class ChannelTransaction:
    """What a channel has asked for since the last commit or rollback."""

    __slots__ = ("channel", "connection", "mandatory", "transaction")

    def __init__(self, connection: "ConnectionState", channel: "Channel") -> None:
        self.connection = connection
        self.channel = channel
        self.transaction = Transaction()
        self.mandatory: list[bool] = []
        """Of each publish, in their order."""

    def publish(self, message: Message, targets: Targets, mandatory: bool) -> None:
        """Keeps a message until the commit. It goes where it would have gone now, as in RabbitMQ."""
        self.transaction.publish(message, targets)
        self.mandatory.append(mandatory)

    def acknowledge(self, tag: int, multiple: bool) -> None:
        """Keeps an ack until the commit. Raises PreconditionFailed for an unknown tag."""
        self.refuse(tag, multiple, ACK)

    def refuse(self, tag: int, multiple: bool, outcome: int) -> None:
        """Keeps a reject or nack until the commit. Raises PreconditionFailed for an unknown tag."""
        self.transaction.settle(basic_methods.take(self.connection, self.channel, tag, multiple), outcome)

    def commit(self) -> None:
        """Carries everything out; not in portions, which would be several batches. Raises PreconditionFailed when a
        queue has refused a message: there is no commit-ok for what is not there. The rest is done all the same, as in
        RabbitMQ."""
        connection, channel = self.connection, self.channel
        vhost = connection.vhost
        assert vhost is not None
        mandatory, self.mandatory = self.mandatory, []
        messages = [message for message, _ in self.transaction.published]
        outcomes = self.transaction.commit(vhost, connection.now)
        for message, outcome, is_mandatory in zip(messages, outcomes, mandatory, strict=True):
            connection.published(channel, message, outcome, is_mandatory and outcome == UNROUTED)
        if REJECTED in outcomes:
            raise PreconditionFailed("partial tx completion")

    def rollback(self) -> None:
        """Forgets the publishes; what was settled waits for its ack again."""
        self.mandatory.clear()
        self.channel.unacked.put_back(self.transaction.rollback())


def select(connection: "ConnectionState", channel: "Channel", _args: dict[str, Any]) -> None:
    """tx.select. Raises PreconditionFailed on a channel with confirms."""
    if channel.confirms:
        raise PreconditionFailed("cannot switch from confirm to tx mode")
    if channel.transaction is None:
        channel.transaction = ChannelTransaction(connection, channel)
        channel.header_frame = b""
        channel.properties = None
        channel.is_plain = False
    channel.reply("tx.select-ok")


def _transaction(channel: "Channel") -> "UnderWay":
    if channel.transaction is None:
        raise PreconditionFailed("channel is not transactional")
    return channel.transaction


def commit(connection: "ConnectionState", channel: "Channel", _args: dict[str, Any]) -> None:
    """tx.commit: commit-ok once the journal has it. Raises PreconditionFailed."""
    _transaction(channel).commit()
    holding.hold(connection, channel)
    holding.confirm(connection, channel, encode_method("tx.commit-ok", channel.number))


def rollback(_connection: "ConnectionState", channel: "Channel", _args: dict[str, Any]) -> None:
    """tx.rollback. Raises PreconditionFailed."""
    _transaction(channel).rollback()
    channel.reply("tx.rollback-ok")


def confirm_select(_connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """confirm.select. Raises PreconditionFailed on a transactional channel."""
    if channel.transaction is not None:
        raise PreconditionFailed("cannot switch from tx to confirm mode")
    channel.confirms = True
    reply_unless_nowait(channel, args, "confirm.select-ok")
