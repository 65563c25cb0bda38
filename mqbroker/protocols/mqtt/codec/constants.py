"""Numbers of the MQTT specifications: packet types, protocol levels, and the bits of their flags. Nothing acts here."""

CONNECT = 1
CONNACK = 2
PUBLISH = 3
PUBACK = 4
PUBREC = 5
PUBREL = 6
PUBCOMP = 7
SUBSCRIBE = 8
SUBACK = 9
UNSUBSCRIBE = 10
UNSUBACK = 11
PINGREQ = 12
PINGRESP = 13
DISCONNECT = 14
AUTH = 15

NAMES = {
    CONNECT: "CONNECT", CONNACK: "CONNACK", PUBLISH: "PUBLISH", PUBACK: "PUBACK", PUBREC: "PUBREC", PUBREL: "PUBREL",
    PUBCOMP: "PUBCOMP", SUBSCRIBE: "SUBSCRIBE", SUBACK: "SUBACK", UNSUBSCRIBE: "UNSUBSCRIBE", UNSUBACK: "UNSUBACK",
    PINGREQ: "PINGREQ", PINGRESP: "PINGRESP", DISCONNECT: "DISCONNECT", AUTH: "AUTH",
}  # fmt: skip

FIXED_FLAGS = {kind: 2 if kind in (PUBREL, SUBSCRIBE, UNSUBSCRIBE) else 0 for kind in NAMES if kind != PUBLISH}
"""[MQTT-2.1.3-1]: the lower four bits of the first octet, for every packet but PUBLISH."""

V3_1 = 3
V3_1_1 = 4
V5 = 5

BRIDGE_FLAG = 0x80  # in the level: Mosquitto's bridges say with it that they are no common client

PROTOCOL_NAMES = {V3_1: b"MQIsdp", V3_1_1: b"MQTT", V5: b"MQTT"}

REMAINING_LENGTH_MAX = 268_435_455  # §1.5.5: four octets of seven bits
PACKET_ID_MAX = 0xFFFF
NEVER_EXPIRES = 0xFFFF_FFFF  # §3.1.2.11.2: a session expiry interval of this value has no end

# CONNECT flags, §3.1.2.3
USER_NAME_FLAG = 0x80
PASSWORD_FLAG = 0x40
WILL_RETAIN_FLAG = 0x20
WILL_QOS_SHIFT = 3
WILL_FLAG = 0x04
CLEAN_START_FLAG = 0x02

# PUBLISH flags, §3.3.1
DUP_FLAG = 0x08
RETAIN_FLAG = 0x01

PINGREQ_PACKET = b"\xc0\x00"
PINGRESP_PACKET = b"\xd0\x00"
