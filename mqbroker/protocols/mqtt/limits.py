"""Every bound of MQTT alone, with the precedent that sets it."""

MQTT_PACKET_BYTES_MAX = 16 << 20  # RabbitMQ's mqtt.max_packet_size_authenticated
MQTT_PACKET_BYTES_CEILING = 268_435_455  # MQTT 5 §2.1.4: the largest remaining length
MQTT_CONNECT_BYTES_MAX = 16 + 5 * (2 + 0xFFFF)  # §3.1: all five fields at their longest; Mosquitto: 100,000
MQTT_HELD_BYTES_MAX = 16_384  # input of one client that is held back while a resource is low; its pings are answered
MQTT_TOPIC_BYTES_MAX = 8192  # EMQX max_topic_levels and clients stay far below; keys of the journal hold 65,535 octets
MQTT_TOPIC_LEVELS_MAX = 128  # EMQX's max_topic_levels
MQTT_CLIENT_ID_BYTES_MAX = 1024  # the specification asks for 23; EMQX's max_clientid_len is 65,535
MQTT_RECEIVE_MAX = 1024  # how many QoS 1 and 2 publishes a client may have open; Mosquitto's 20 slows fast clients down
MQTT_INFLIGHT_MAX = 1024  # deliveries a session has open at most, however many the client would take; EMQX: 32
MQTT_TOPIC_ALIASES_MAX = 16  # RabbitMQ's mqtt.topic_alias_maximum; Mosquitto: 10
MQTT_SUBSCRIPTIONS_MAX = 1_000_000  # per session; each is a binding
MQTT_QUEUED_MESSAGES_MAX = 100_000  # per session that is away; Mosquitto's and EMQX's 1000 lose messages overnight
MQTT_RETAINED_MESSAGES_MAX = 1_000_000  # RabbitMQ's retained store: 100,000
MQTT_RETAINED_BYTES_MAX = 1 << 30  # RabbitMQ's retained store: 1 GB
MQTT_SESSION_EXPIRY_S = 7 * 86_400  # RabbitMQ keeps a session for a day, Mosquitto for ever
MQTT_ROUTES_MAX = 1024  # topics of which a publisher remembers the route; RabbitMQ's cache holds 12
MQTT_MATCHES_MAX = 256  # topics of which a subscriber remembers which of its filters match
MQTT_DELAYED_BYTES_HIGH = 1 << 20  # QoS 0 messages that wait for a client that reads slowly, before publishers are held
MQTT_DELAYED_BYTES_MAX = 16 << 20  # before they are dropped; Mosquitto counts 1000 messages
MQTT_LOSS_REPORT_MS = 60_000  # between two lines that say that a session loses messages; Mosquitto has none but $SYS
MQTT_HOLD_MS = 1000  # how long publishers are held for such a client; it must not stop the others
MQTT_SHOWN_PAYLOAD_BYTES_MAX = 65_536  # of a retained message that an operator looks at
MQTT_LOG_INTERVAL_MS = 500  # between two deliveries of lines of the log
MQTT_LOG_LINES_MAX = 1000  # that wait for the next one; of more the oldest go
