"""Bounds of AMQP 1.0 alone, with the precedent that sets each."""

FRAME_BYTES_MIN = 512  # AMQP 1.0 part 2, 2.8.1: MIN-MAX-FRAME-SIZE
FRAME_BYTES_MAX = 131_072  # RabbitMQ 4's max_frame_size
FRAME_BYTES_CEILING = 16 << 20
MESSAGE_BYTES_MAX = 16 << 20  # RabbitMQ 4's max_message_size
SESSIONS_MAX = 64  # per connection, RabbitMQ 4's session_max_per_connection
LINKS_MAX = 256  # per session, RabbitMQ 4's link_max_per_session
LINK_CREDIT = 1000  # what a publisher may send unasked: ActiveMQ's prefetch for producers; RabbitMQ 4 grants 170
SESSION_WINDOW = 4000  # transfer frames of a session unasked; RabbitMQ 4 grants 400
IDLE_TIMEOUT_MS = 30_000  # RabbitMQ 4: half of the time after which it takes a client for gone
IDLE_TIMEOUT_MS_MIN = 1000  # a client that wants a sign of life more often is refused, as by RabbitMQ 4
DEPTH_MAX = 32  # described types, lists and maps within each other
ZERO_WIDTH_ITEMS_MAX = 64  # in an array whose items have no octets: a frame has room for 13,000 such arrays
UUID_KEYS_MAX = 64  # of a map: who chooses all 128 bits can give all keys one hash
MIDDLE_BYTES_MAX = 262_144  # annotations and properties of a message: each octet may be a value that is looked at
BODY_BYTES_LOOKED_INTO = 131_072  # a longer body that is no data is taken as it is, for the same reason
SECTIONS_MAX = 10_000  # of a message; a data section may have no octets
REQUEST_BYTES_MAX = 131_072  # a request to the management node or to the coordinator: RabbitMQ 4 takes one frame
CLOSE_TIMEOUT_MS = 5000  # how long a peer has to answer a close
PARTIAL_BYTES_SHARE = 4  # of the memory limit: transfers that are not complete, of all connections together
TRANSACTIONS_MAX = 64  # open at a time on one connection; RabbitMQ 4 allows STOMP 16
TRANSACTION_ACTIONS_MAX = 16_384  # transfers and dispositions of one transaction
FILTER_TEXT_BYTES_MAX = 4096  # RabbitMQ 4.2: an SQL filter
FILTER_FIELDS_MAX = 16  # RabbitMQ 4.1: fields of a properties filter
MANAGEMENT_CREDIT = 8  # RabbitMQ 4's link pair
CREDIT_AGAIN_SHARE = 2  # a publisher's credit is renewed once half of it is used
UTF8_HEADER_BYTES_MAX = 4096  # RabbitMQ 4: a longer string of AMQP 0-9-1's headers becomes binary
