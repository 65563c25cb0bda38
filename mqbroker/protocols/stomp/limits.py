"""STOMP's own bounds, each with its precedent."""

STOMP_HEAD_BYTES_MAX = 262_144  # command and headers; RabbitMQ 3.10 takes 150 KB, RabbitMQ 4 has 102,400 for a value
STOMP_HEADERS_MAX = 1000  # ActiveMQ's MAX_HEADERS
STOMP_FRAMES_MEMORY_SHARE = 4  # incomplete frames of all connections may take the fourth part of the memory
STOMP_SUBSCRIPTIONS_MAX = 1024  # of a connection; ActiveMQ's default destinations per connection are fewer
STOMP_COMPOSITE_QUEUES_MAX = 1024  # queues of one subscription, by their names or by wildcards
STOMP_JMS_QUEUE_PREFETCH = 1000  # ActiveMQ's, of deliveries that may be unacknowledged
STOMP_JMS_DURABLE_PREFETCH = 100
STOMP_JMS_TOPIC_PREFETCH = 32_767
STOMP_MAP_BYTES_MAX = 262_144  # of a body that is converted between forms of a map
STOMP_MAP_DEPTH_MAX = 32  # maps and lists in each other there
STOMP_JOBS_SHOWN_MAX = 10_000  # messages that one frame has sent, of those that wait for their time
STOMP_TRANSACTIONS_MAX = 16  # RabbitMQ 4: transactions of a connection that are open
STOMP_TRANSACTION_ACTIONS_MAX = 1024  # RabbitMQ 4: frames in one of them
STOMP_QUEUES_DECLARED_MAX = 4096  # names that a connection is known to have declared
STOMP_SEND_HEADS_MAX = 64  # heads of SEND frames that a connection repeats
STOMP_SEND_HEAD_BYTES_MAX = 1024  # longer ones are seldom equal
STOMP_REPLY_QUEUES_MAX = 256  # temporary queues of a connection
STOMP_HEARTBEAT_MS_MIN = 1000  # RabbitMQ counts in whole seconds
STOMP_EXACT_HEARTBEAT_MS_MIN = 100  # ActiveMQ does not round; whoever asks for more often keeps us busy
STOMP_HEARTBEAT_MS_MAX = 86_400_000  # a day: whoever asks for more means none
