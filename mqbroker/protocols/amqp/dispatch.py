"""Which function answers which method of an open channel. Publish and ack have a shorter way, in connection.py."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mqbroker.protocols.amqp import basic_methods, channel_methods, exchange_methods, queue_methods, transactions
from mqbroker.protocols.amqp.methods import SPECS_BY_NAME

if TYPE_CHECKING:
    from mqbroker.protocols.amqp.channel import Channel
    from mqbroker.protocols.amqp.state import ConnectionState

Handler = Callable[["ConnectionState", "Channel", dict[str, Any]], None]

_BY_NAME: dict[str, Handler] = {
    "access.request": channel_methods.access_request,
    "basic.ack": basic_methods.ack,
    "basic.cancel": basic_methods.cancel,
    "basic.consume": basic_methods.consume,
    "basic.get": basic_methods.get,
    "basic.nack": basic_methods.nack,
    "basic.qos": basic_methods.qos,
    "basic.recover": basic_methods.recover,
    "basic.recover-async": basic_methods.recover_async,
    "basic.reject": basic_methods.reject,
    "channel.close": channel_methods.close,
    "channel.close-ok": channel_methods.ignore,
    "channel.flow": channel_methods.flow,
    "channel.flow-ok": channel_methods.ignore,
    "channel.open": channel_methods.open_again,
    "confirm.select": transactions.confirm_select,
    "exchange.bind": exchange_methods.bind,
    "exchange.declare": exchange_methods.declare,
    "exchange.delete": exchange_methods.delete,
    "exchange.unbind": exchange_methods.unbind,
    "queue.bind": queue_methods.bind,
    "queue.declare": queue_methods.declare,
    "queue.delete": queue_methods.delete,
    "queue.purge": queue_methods.purge,
    "queue.unbind": queue_methods.unbind,
    "tx.commit": transactions.commit,
    "tx.rollback": transactions.rollback,
    "tx.select": transactions.select,
    "basic.cancel-ok": channel_methods.ignore,
}

HANDLERS: dict[int, Handler] = {SPECS_BY_NAME[name].index: handler for name, handler in _BY_NAME.items()}
