"""Reason codes of MQTT 5, return codes of MQTT 3, and which of them a violation or a refusal becomes.

The one table that maps neutral reasons to wire codes stands here (`VIOLATIONS`). Codes of 0x80 and above are failures.
"""

from enum import IntEnum

from mqbroker.errors import ProtocolViolation


class Reason(IntEnum):
    """MQTT 5 §2.4. Names are the specification's."""

    SUCCESS = 0x00
    GRANTED_QOS_1 = 0x01
    GRANTED_QOS_2 = 0x02
    DISCONNECT_WITH_WILL = 0x04
    NO_MATCHING_SUBSCRIBERS = 0x10
    NO_SUBSCRIPTION_EXISTED = 0x11
    CONTINUE_AUTHENTICATION = 0x18
    REAUTHENTICATE = 0x19
    UNSPECIFIED_ERROR = 0x80
    MALFORMED_PACKET = 0x81
    PROTOCOL_ERROR = 0x82
    IMPLEMENTATION_SPECIFIC_ERROR = 0x83
    UNSUPPORTED_PROTOCOL_VERSION = 0x84
    CLIENT_IDENTIFIER_NOT_VALID = 0x85
    BAD_USER_NAME_OR_PASSWORD = 0x86
    NOT_AUTHORIZED = 0x87
    SERVER_UNAVAILABLE = 0x88
    SERVER_BUSY = 0x89
    BANNED = 0x8A
    SERVER_SHUTTING_DOWN = 0x8B
    BAD_AUTHENTICATION_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    SESSION_TAKEN_OVER = 0x8E
    TOPIC_FILTER_INVALID = 0x8F
    TOPIC_NAME_INVALID = 0x90
    PACKET_IDENTIFIER_IN_USE = 0x91
    PACKET_IDENTIFIER_NOT_FOUND = 0x92
    RECEIVE_MAXIMUM_EXCEEDED = 0x93
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    MESSAGE_RATE_TOO_HIGH = 0x96
    QUOTA_EXCEEDED = 0x97
    ADMINISTRATIVE_ACTION = 0x98
    PAYLOAD_FORMAT_INVALID = 0x99
    RETAIN_NOT_SUPPORTED = 0x9A
    QOS_NOT_SUPPORTED = 0x9B
    USE_ANOTHER_SERVER = 0x9C
    SERVER_MOVED = 0x9D
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9E
    CONNECTION_RATE_EXCEEDED = 0x9F
    MAXIMUM_CONNECT_TIME = 0xA0
    SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED = 0xA1
    WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED = 0xA2


FAILURE = 0x80
"""The lowest reason code that means a failure; also the only failure that a 3.1.1 SUBACK knows (§3.9.3)."""

# MQTT 3.1.1 §3.2.2.3
ACCEPTED = 0
UNACCEPTABLE_PROTOCOL_VERSION = 1
IDENTIFIER_REJECTED = 2
SERVER_UNAVAILABLE_V3 = 3
BAD_USER_NAME_OR_PASSWORD_V3 = 4
NOT_AUTHORIZED_V3 = 5

_RETURN_CODES = {
    Reason.SUCCESS: ACCEPTED,
    Reason.UNSUPPORTED_PROTOCOL_VERSION: UNACCEPTABLE_PROTOCOL_VERSION,
    Reason.CLIENT_IDENTIFIER_NOT_VALID: IDENTIFIER_REJECTED,
    Reason.BAD_USER_NAME_OR_PASSWORD: BAD_USER_NAME_OR_PASSWORD_V3,
    Reason.NOT_AUTHORIZED: NOT_AUTHORIZED_V3,
    Reason.BANNED: NOT_AUTHORIZED_V3,
    Reason.PACKET_TOO_LARGE: NOT_AUTHORIZED_V3,  # this one and the next for wills: to come again does not help
    Reason.QOS_NOT_SUPPORTED: NOT_AUTHORIZED_V3,
    Reason.RETAIN_NOT_SUPPORTED: NOT_AUTHORIZED_V3,
}

VIOLATIONS = {
    "malformed": Reason.MALFORMED_PACKET,
    "protocol": Reason.PROTOCOL_ERROR,
    "version": Reason.UNSUPPORTED_PROTOCOL_VERSION,
    "client_id": Reason.CLIENT_IDENTIFIER_NOT_VALID,
    "login": Reason.BAD_USER_NAME_OR_PASSWORD,
    "method": Reason.BAD_AUTHENTICATION_METHOD,
    "access": Reason.NOT_AUTHORIZED,
    "busy": Reason.SERVER_BUSY,
    "topic_name": Reason.TOPIC_NAME_INVALID,
    "topic_filter": Reason.TOPIC_FILTER_INVALID,
    "receive_maximum": Reason.RECEIVE_MAXIMUM_EXCEEDED,
    "alias": Reason.TOPIC_ALIAS_INVALID,
    "size": Reason.PACKET_TOO_LARGE,
    "rate": Reason.MESSAGE_RATE_TOO_HIGH,
    "quota": Reason.QUOTA_EXCEEDED,
    "qos": Reason.QOS_NOT_SUPPORTED,
    "retain": Reason.RETAIN_NOT_SUPPORTED,
}


def reason_of(error: ProtocolViolation) -> Reason:
    """The reason code with which a connection ends for this violation."""
    return VIOLATIONS[error.reason]


def return_code(reason: int) -> int:
    """The CONNACK return code of MQTT 3 that comes closest to a reason code."""
    return _RETURN_CODES.get(Reason(reason), SERVER_UNAVAILABLE_V3)


def malformed(text: str) -> ProtocolViolation:
    """A packet that cannot be parsed: 0x81, §1.2."""
    return ProtocolViolation("malformed", text)


def protocol_error(text: str) -> ProtocolViolation:
    """A packet that can be parsed but must not be there or say that: 0x82, §1.2."""
    return ProtocolViolation("protocol", text)
