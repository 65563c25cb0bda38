"""The methods of class exchange. Permissions are checked before existence, as RabbitMQ does."""

from typing import TYPE_CHECKING, Any

from mqbroker.core.queues.base import Queue
from mqbroker.core.rabbitmq.declaring import declare_exchange
from mqbroker.core.routing.exchange import Exchange
from mqbroker.errors import AccessRefused
from mqbroker.protocols.amqp import holding

if TYPE_CHECKING:
    from mqbroker.core.vhost import VHost
    from mqbroker.protocols.amqp.channel import Channel
    from mqbroker.protocols.amqp.state import ConnectionState


def vhost_of(connection: "ConnectionState") -> "VHost":
    """The vhost of a connection that is open."""
    assert connection.vhost is not None
    return connection.vhost


def refuse_default_exchange(*names: str) -> None:
    """Raises AccessRefused when one of the exchanges is the default one."""
    if "" in names:
        raise AccessRefused("operation not permitted on the default exchange")


def reply_unless_nowait(channel: "Channel", args: dict[str, Any], name: str, **values: Any) -> None:
    """The -ok of a method, unless the client wants none."""
    if not args["nowait"]:
        channel.reply(name, **values)


def hold_unless_nowait(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """Lets the answer wait for the journal. Where none is wanted nothing is promised, and nothing has to wait."""
    if not args.get("nowait"):
        holding.hold(connection, channel)


def declare(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """exchange.declare. Raises RequestRefused."""
    name, vhost = args["exchange"], vhost_of(connection)
    refuse_default_exchange(name)
    access = connection.services.broker.access
    if args["passive"]:
        access.check_any(connection.user, vhost.name, "exchange", name)
        vhost.exchange(name)
    else:
        access.check_configure(connection.user, vhost.name, "exchange", name)
        _check_alternate(connection, args["arguments"], name)
        exchange = declare_exchange(
            vhost,
            name,
            args["exchange_type"],
            args["durable"],
            args["auto_delete"],
            args["internal"],
            args["arguments"],
        )
        if exchange.durable:
            hold_unless_nowait(connection, channel, args)  # also if it was there: who made it may still be waiting
    reply_unless_nowait(channel, args, "exchange.declare-ok")


def _check_alternate(connection: "ConnectionState", arguments: dict[str, object], name: str) -> None:
    """Who names an alternate exchange has to be allowed to read this one and write to that one."""
    alternate = arguments.get("alternate-exchange")
    if isinstance(alternate, str):
        access, vhost = connection.services.broker.access, vhost_of(connection)
        access.check_read(connection.user, vhost.name, "exchange", name)
        access.check_write(connection.user, vhost.name, "exchange", alternate)


def delete(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """exchange.delete. Raises RequestRefused."""
    name, vhost = args["exchange"], vhost_of(connection)
    refuse_default_exchange(name)
    connection.services.broker.access.check_configure(connection.user, vhost.name, "exchange", name)
    exchange = vhost.exchanges.get(name)
    vhost.delete_exchange(name, args["if_unused"])
    if exchange is not None and exchange.durable:
        hold_unless_nowait(connection, channel, args)
    reply_unless_nowait(channel, args, "exchange.delete-ok")


def bind(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """exchange.bind. Raises RequestRefused."""
    _check_ends(connection, args)
    vhost = vhost_of(connection)
    source, destination = vhost.exchange(args["source"]), vhost.exchange(args["destination"])
    rebind(connection, channel, source, destination, args, is_bind=True)
    reply_unless_nowait(channel, args, "exchange.bind-ok")


def unbind(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """exchange.unbind; an exchange or binding that is not there is unbound already. Raises RequestRefused."""
    _check_ends(connection, args)
    exchanges = vhost_of(connection).exchanges
    source, destination = exchanges.get(args["source"]), exchanges.get(args["destination"])
    if source is not None and destination is not None:
        rebind(connection, channel, source, destination, args, is_bind=False)
    reply_unless_nowait(channel, args, "exchange.unbind-ok")


def _check_ends(connection: "ConnectionState", args: dict[str, Any]) -> None:
    vhost, access, user = vhost_of(connection), connection.services.broker.access, connection.user
    refuse_default_exchange(args["source"], args["destination"])
    access.check_write(user, vhost.name, "exchange", args["destination"])
    access.check_read(user, vhost.name, "exchange", args["source"])


def rebind(
    connection: "ConnectionState",
    channel: "Channel",
    source: Exchange,
    destination: Queue | Exchange,
    args: dict[str, Any],
    is_bind: bool,
) -> None:
    """Binds or unbinds, and holds the channel if the journal has to know. Raises RequestRefused."""
    vhost = vhost_of(connection)
    key = args["routing_key"]
    if source.kind == "topic":
        connection.services.broker.access.check_topic_read(connection.user, vhost.name, source.name, key)
    change = vhost.bind if is_bind else vhost.unbind
    if change(source, destination, key, args.get("arguments") or {}):
        hold_unless_nowait(connection, channel, args)
