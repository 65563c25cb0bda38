"""The bounds of the management API, with the precedents that set them."""

HEAD_LINE_BYTES_MAX = 16_384  # nginx's large_client_header_buffers are 8 KiB; a regular expression may be long
IDLE_TIMEOUT_MS = 75_000  # nginx's keepalive_timeout
BODY_TIMEOUT_S = 60  # nginx's client_body_timeout
BODY_BYTES_MAX = 32 << 20  # RabbitMQ 4.x has 10 MB for definitions; a broker of 100,000 queues exports more
BODY_BYTES_CEILING = 512 << 20
PREAUTH_BODY_BYTES_MAX = 65_536  # a log-in form
LOGIN_TIMEOUT_S = 60  # as long as a check may wait for our own threads
PAGE_SIZE = 100  # RabbitMQ's default
PAGE_SIZE_MAX = 500
PATTERN_CHARS_MAX = 1024  # RabbitMQ's bound of a filter
SLICE_ITEMS = 64  # shown before others have their turn of the loop: some 3 ms
KEYS_SLICE_ITEMS = 1024  # looked at, for order alone, in the same time
GET_MESSAGES_MAX = 10_000  # taken by one call; RabbitMQ takes any number, and all of it is in memory
GET_BYTES_MAX = 128 << 20
LOCAL_BACKLOG = 64  # operators at one machine
BROWSED_MAX = 1000  # messages looked at by one call
BROWSED_BYTES_MAX = 16 << 20  # of their payloads
MOVED_AT_ONCE = 500  # messages moved before others have their turn, and the journal has them
SESSIONS_MAX = 1000  # log-ins of the console
SESSION_TIMEOUT_MIN = 480  # eight hours, RabbitMQ's default
VHOST_NAME_CHARS_MAX = 1024
DETAILED_FAMILIES_MAX = 64  # named in one scrape
OUTLET_WAITING_MAX = 10_000  # copies and events that were not published yet; a turn later they are
AUDIT_SHOWN_MAX = 10_000  # records of the audit trail in one answer
AUDIT_LOOKED_AT_MAX = 1_000_000  # before nothing more is found
