"""The numbers of AMQP 0-9-1 that sessions use by name, and what the server says about itself.

Everything here comes from pamqp's generated specification where pamqp has it. Nothing here knows a connection.
"""

from typing import Final

from pamqp import commands, constants, exceptions

PROTOCOL_HEADER: Final = b"AMQP\x00\x00\x09\x01"  # AMQP 0-9-1 §4.2.2; also what a peer with another header is answered
PROTOCOL_HEADER_0_9: Final = b"AMQP\x01\x01\x00\x09"  # of clients that were written for 0-9, which to us is the same

# Whose dialect is spoken; clients choose their behaviour by it. kombu uses global prefetch only where the product is
# RabbitMQ before 4.0, and without it a Celery worker does nothing while the tasks that it holds wait for their time.
DIALECT_PRODUCT: Final = "RabbitMQ"
DIALECT_VERSION: Final = "3.13.7"
CLUSTER_NAME: Final = "mqbroker"

FRAME_METHOD: Final = constants.FRAME_METHOD
FRAME_HEADER: Final = constants.FRAME_HEADER
FRAME_BODY: Final = constants.FRAME_BODY
FRAME_HEARTBEAT: Final = constants.FRAME_HEARTBEAT
FRAME_END: Final = constants.FRAME_END
FRAME_OVERHEAD_BYTES: Final = constants.FRAME_HEADER_SIZE + 1  # type, channel and size before a payload, the end octet

CLASS_CONNECTION: Final = commands.Connection.frame_id
CLASS_CHANNEL: Final = commands.Channel.frame_id
CLASS_BASIC: Final = commands.Basic.frame_id

# Method indexes, class id << 16 | method id: the first four octets of a method frame's payload as one integer.
BASIC_PUBLISH: Final = commands.Basic.Publish.index
BASIC_DELIVER: Final = commands.Basic.Deliver.index
BASIC_RETURN: Final = commands.Basic.Return.index
BASIC_GET_OK: Final = commands.Basic.GetOk.index
BASIC_ACK: Final = commands.Basic.Ack.index
BASIC_NACK: Final = commands.Basic.Nack.index
BASIC_REJECT: Final = commands.Basic.Reject.index
CHANNEL_OPEN: Final = commands.Channel.Open.index
CHANNEL_CLOSE: Final = commands.Channel.Close.index
CHANNEL_CLOSE_OK: Final = commands.Channel.CloseOk.index
CONNECTION_START_OK: Final = commands.Connection.StartOk.index
CONNECTION_CLOSE: Final = commands.Connection.Close.index
CONNECTION_CLOSE_OK: Final = commands.Connection.CloseOk.index

CONNECTION_FORCED: Final = exceptions.AMQPConnectionForced.value
CONTENT_TOO_LARGE: Final = exceptions.AMQPContentTooLarge.value
NO_ROUTE: Final = exceptions.AMQPNoRoute.value
NO_CONSUMERS: Final = exceptions.AMQPNoConsumers.value
ACCESS_REFUSED: Final = exceptions.AMQPAccessRefused.value
NOT_FOUND: Final = exceptions.AMQPNotFound.value
RESOURCE_LOCKED: Final = exceptions.AMQPResourceLocked.value
PRECONDITION_FAILED: Final = exceptions.AMQPPreconditionFailed.value
FRAME_ERROR: Final = exceptions.AMQPFrameError.value
SYNTAX_ERROR: Final = exceptions.AMQPSyntaxError.value
COMMAND_INVALID: Final = exceptions.AMQPCommandInvalid.value
CHANNEL_ERROR: Final = exceptions.AMQPChannelError.value
UNEXPECTED_FRAME: Final = exceptions.AMQPUnexpectedFrame.value
RESOURCE_ERROR: Final = exceptions.AMQPResourceError.value
NOT_ALLOWED: Final = exceptions.AMQPNotAllowed.value
NOT_IMPLEMENTED: Final = exceptions.AMQPNotImplemented.value
INTERNAL_ERROR: Final = exceptions.AMQPInternalError.value

CODE_NAMES: Final[dict[int, str]] = {
    code: str(vars(kind)["name"]).replace("-", "_") for code, kind in exceptions.CLASS_MAPPING.items()
}  # RabbitMQ writes NOT_FOUND where the specification writes not-found
HARD_CODES: Final[frozenset[int]] = frozenset(
    code for code, kind in exceptions.CLASS_MAPPING.items() if issubclass(kind, exceptions.AMQPHardError)
)  # these close the connection, the others the channel (AMQP 0-9-1 §1.2)

SERVER_CAPABILITIES: Final[dict[str, bool]] = {
    "publisher_confirms": True,
    "exchange_exchange_bindings": True,
    "basic.nack": True,
    "consumer_cancel_notify": True,
    "connection.blocked": True,
    "consumer_priorities": True,
    "authentication_failure_close": True,
    "per_consumer_qos": True,
    "direct_reply_to": True,
}  # the nine that RabbitMQ 3.10.8 announces, in its order
LOCALES: Final = "en_US"
