"""Every bound of AMQP 0-9-1 alone, with the precedent that sets it."""

AMQP_FRAME_SIZE_BYTES_MIN = 4096  # AMQP 0-9-1 §4.2.3 frame-min-size; RabbitMQ 4.1's 8192 broke older clients
AMQP_FRAME_SIZE_BYTES_MAX = 131_072  # what RabbitMQ proposes in connection.tune
AMQP_CHANNELS_MAX = 2047  # what RabbitMQ proposes in connection.tune
AMQP_HEARTBEAT_S = 60  # what RabbitMQ proposes in connection.tune
AMQP_SHORTSTR_BYTES_MAX = 255  # AMQP 0-9-1 §4.2.5.3: one length octet
AMQP_TABLE_DEPTH_MAX = 100  # RabbitMQ has none; far from the end of Python's stack, and from what anybody nests
AMQP_CONSUMERS_PER_CHANNEL_MAX = 65_536  # RabbitMQ's consumer_max_per_channel is unlimited; each costs memory
AMQP_BODY_BUFFER_FACTOR = 16  # memory taken for a body, to what has arrived of it, up to the next number; then 2
AMQP_BODY_BUFFER_BYTES = 1 << 20  # a MiB in frames of 128 KiB is taken at once
AMQP_BODIES_BYTES_MAX = 512 << 20  # incomplete bodies of one connection: the largest that an option allows
AMQP_BODIES_MEMORY_SHARE = 2  # incomplete bodies of all take this part of the memory at which publishers are held back
AMQP_POLLED_QUEUES_KEPT = 64  # queues that a channel has polled, whose holder it keeps; it must not keep deleted ones
AMQP_HELD_FRAMES_BYTES_MAX = 1 << 20  # frames of a connection kept while its channels wait for commits
AMQP_SIP_BYTES = 16_384  # read at once from who may have to wait, for a log-in or to publish: then it is kept
AMQP_CLOSE_TIMEOUT_S = 3  # how long the answer to connection.close may take; RabbitMQ's delay after a wrong log-in
AMQP_LEAVE_TIMEOUT_S = 10  # how long a client may take to close its socket once it has close-ok
AMQP_FRAME_SIZE_BYTES_CEILING = 16 << 20  # how far an option raises frame_max; RabbitMQ knows no bound
