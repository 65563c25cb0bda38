"""Every bound of the broker, with the precedent that sets it. Options may lower or raise some; none is unbounded."""

# --- AMQP 0-9-1 ---------------------------------------------------------------------------------------------------
AMQP_FRAME_SIZE_BYTES_MIN = 4096  # AMQP 0-9-1 §4.2.3 frame-min-size; RabbitMQ 4.1's 8192 broke older clients
AMQP_FRAME_SIZE_BYTES_MAX = 131_072  # what RabbitMQ proposes in connection.tune
AMQP_CHANNELS_MAX = 2047  # what RabbitMQ proposes in connection.tune
AMQP_HEARTBEAT_S = 60  # what RabbitMQ proposes in connection.tune
AMQP_SHORTSTR_BYTES_MAX = 255  # AMQP 0-9-1 §4.2.5.3: one length octet
AMQP_TABLE_DEPTH_MAX = 100  # RabbitMQ has none; far from the end of Python's stack, and from what anybody nests
AMQP_CONSUMERS_PER_CHANNEL_MAX = 65_536  # RabbitMQ's consumer_max_per_channel is unlimited; each costs memory
AMQP_BODY_ROOM_FACTOR = 16  # memory taken for a body, to what has arrived of it, up to the next number; then 2
AMQP_BODY_ROOM_BYTES = 1 << 20  # a MiB in frames of 128 KiB is taken at once
AMQP_BODIES_BYTES_MAX = 512 << 20  # incomplete bodies of one connection: the largest that an option allows
AMQP_BODIES_MEMORY_SHARE = 2  # incomplete bodies of all take this part of the memory at which publishers are held back
AMQP_POLLED_QUEUES_KEPT = 64  # queues that a channel has polled, whose holder it keeps; it must not keep deleted ones
AMQP_HELD_FRAMES_BYTES_MAX = 1 << 20  # frames of a connection kept while its channels wait for commits
AMQP_SIP_BYTES = 16_384  # read at once from who may have to wait, for a log-in or to publish: then it is kept
AMQP_CLOSE_TIMEOUT_S = 3  # how long the answer to connection.close may take; RabbitMQ's delay after a wrong log-in
AMQP_LEAVE_TIMEOUT_S = 10  # how long a client may take to close its socket once it has close-ok

# --- before authentication ----------------------------------------------------------------------------------------
PREAUTH_BYTES_MAX = 65_536  # design: 64 KiB and 10 s before a peer has a name
PREAUTH_TIMEOUT_S = 10  # RabbitMQ's handshake_timeout is 10 s
PREAUTH_CONNECTIONS_MAX = 1024  # Artemis CVE-2022-23913: a budget for peers that have no name yet

# --- messages ----------------------------------------------------------------------------------------------------
MESSAGE_BYTES_MAX = 128 << 20  # the default of RabbitMQ 3.13, whose name we go by; an option changes it
MESSAGE_BYTES_CEILING = 512 << 20  # RabbitMQ's own hard ceiling
EXPIRY_MS_MAX = 315_360_000_000  # RabbitMQ's MAX_EXPIRY_TIMER for x-message-ttl and x-expires: ten years
DELAY_MS_MAX = (1 << 32) - 1  # the delayed-message plugin's longest x-delay: Erlang's longest timer
COUNT_MAX = (1 << 63) - 1  # what a signed C integer counts to; a client may name more, and means no limit
QUEUE_PRIORITY_MAX = 255  # RabbitMQ's x-max-priority
QUORUM_PRIORITY_MAX = 31  # RabbitMQ 4.3: quorum queues have 32 strict priorities without being asked for them

# --- polled queues -----------------------------------------------------------------------------------------------
DEDUPLICATION_MS = 300_000  # SQS FIFO queues: how long a deduplication id counts
VISIBILITY_MS = 30_000  # SQS's default VisibilityTimeout
RETENTION_MS = 345_600_000  # SQS's default MessageRetentionPeriod: four days
IN_FLIGHT_MAX = 120_000  # SQS's quota of messages in flight per queue
GROUP_ID_CHARACTERS_MAX = 128  # SQS: MessageGroupId and MessageDeduplicationId
RECEIVES_IN_PLACE = 3  # SQS puts a standard message that was received as often as that at the back of its queue
NOISY_GROUP_SHARE = 10  # SQS fair queues: a group with more than a tenth of what is in flight is noisy,
NOISY_GROUP_IN_FLIGHT_MIN = 30  # and has at least so many messages of its own in flight

# --- names and routing -------------------------------------------------------------------------------------------
NAME_BYTES_MAX = 255  # a short string
ROUTE_CACHE_ENTRIES_MAX = 4096  # per channel; a publisher with more distinct keys than that routes each time
HASH_DRAWS_MAX = 1000  # destinations of an x-consistent-hash exchange that all draw for a message: 0.6 ms; then a tree
RECENT_PROPERTIES_MAX = 1024  # properties that are shared by messages of all publishers
CONSUMER_SHAPES_MAX = 16  # of these, whose encoding a consumer remembers: ten priorities in turn and some more
RECENT_PROPERTIES_BYTES_MAX = 256  # longer ones are seldom equal, and would take memory

# --- input -------------------------------------------------------------------------------------------------------
INPUT_BYTES = 262_144  # what is read at once; uvloop's own buffer has as much
LARGE_PIECE_BYTES = 32_768  # from here on a body is not copied: two more system calls cost less than that

# --- turns -------------------------------------------------------------------------------------------------------
PORTION = 200  # messages' worth of work before others have their turn: RabbitMQ's credit per consumer, 200
DROPPED_AT_ONCE = 20  # messages that one publish displaces at most, when it is too large for the queue's limit in bytes
DROPPED_LEAST = 2  # of them while others wait to be dropped: more than comes in
ACKS_AT_ONCE = 1_000  # settled for one `multiple`, each of which is little work
LETTERS_AT_ONCE = 2  # dead letters that follow one directly, from queues where it has displaced another
SLOW_TURN_MS = 100  # from here on it is logged what has kept the loop busy
TURN_MS = 2  # work in portions that one turn of the loop does before sockets are read again; RabbitMQ's is preempted
INPUT_TURN_US = 2000  # what the input of one connection, or of several that have more, may take of a turn
INPUT_SHARE_US_MIN = 250  # but that long each, however many there are: less would cost more in turns than it brings
INPUT_SLICE_BYTES_MIN = 256  # read at once where the least takes longest: a message for a thousand queues
INPUT_SLICE_BYTES_FIRST = 8192  # read at once before anything is known of a connection

# --- output ------------------------------------------------------------------------------------------------------
OUTPUT_HIGH_WATER_BYTES = 1 << 20  # deliveries to a connection stop above this until its output is flushed

# --- journal -----------------------------------------------------------------------------------------------------
SEGMENT_BYTES = 64 << 20  # design §5
BATCH_BYTES_MAX = 8 << 20  # a batch is sealed when it grows past this, so that one write stays short
JOURNAL_BEHIND_BYTES_MIN = 256 << 10  # waiting for the disk before those who add most are held: half a ms of writing
JOURNAL_BEHIND_BYTES_MAX = 2 << 20
JOURNAL_BEHIND_BYTES_PER_S = 256 << 20  # and in between as much as a disk writes in the time that a sync takes it
JOURNAL_SHARED_BEHIND_SHARE = 4  # this part of it where others publish as well: their confirms wait for all of it twice
JOURNAL_SHARED_MS = 1000  # how long others are expected to publish once two have
JOURNAL_FAR_BEHIND_FACTOR = 8  # times as much, and everybody is held who adds anything
PUBLISHERS_HEAVY_MAX = 16  # who has added the 16th part of the bound to a batch is one of those who add most
PUBLISHERS_LET_GO_MAX = 4  # as many are let go at once when nothing waits for the disk
PUBLISHER_HASTE = 10  # who was held while others publish is read in a tenth of a slice: a tenth of a millisecond's work
SLOW_WRITE_S = 0.002  # a write to the page cache that takes longer has waited for the disk
SLOW_WRITES_EXPECTED_S = 5  # how long others are then expected: Linux writes out so often (dirty_writeback)
SEGMENT_BYTES_MIN = 1 << 20  # below this, segments cost more files than they save in early deletion
MARK_BYTES_MAX = 512  # what the end of a log at rest is marked with: the time by four clocks
OPENING_ROOM_BYTES_MIN = 1 << 16  # on a full disk: room for acknowledgements of some 10,000 messages, nearly in order
JOURNAL_READ_BYTES = 1 << 20  # how much of a segment a follower's reader has in memory, unless one batch is larger
RECOVERY_STEP_BYTES = 4 << 20  # of messages made, after which recovery looks whether they fit into memory
RECOVERY_MEMORY_SHARE_MAX = 0.9  # of a control group's memory: some is needed to serve what was recovered
SEGMENT_BYTES_CEILING = 1 << 30  # recovery reads a segment as a whole

# --- time ----------------------------------------------------------------------------------------------------------
CLOCK_STEP_MS = 1000  # a wall clock that moves by more was set: NTP slews what is below 128 ms, chrony steps from 1 s
CLOCK_SAMPLE_MS = 10_000  # how often a busy journal notes the time
CLOCK_SAMPLE_AGE_MS_MAX = 2 * CLOCK_SAMPLE_MS  # and how old what it noted last may be when the broker is killed
CLOCK_CORRECTION_MS_MAX = 60_000  # by how much deadlines come earlier for a clock that was set between two runs
CLOCK_DOWNTIME_MS_MAX = 30 * 86_400_000  # a machine that seems to have been off for longer had a wrong clock

# --- keys of the journal -------------------------------------------------------------------------------------------
KEY_TEXT_BYTES_MAX = 1024  # what is read of a place that is said to hold a key; 64 digits and the white space around
KEY_COMMAND_TIMEOUT_S = 10  # how long a command may take to fetch a key; PostgreSQL waits for its own without end

# --- network -----------------------------------------------------------------------------------------------------
AMQP_FRAME_SIZE_BYTES_CEILING = 16 << 20  # how far an option raises frame_max; RabbitMQ knows no bound
CONNECTIONS_MAX = 65_536  # RabbitMQ: as many as there are file descriptors
CONNECTIONS_CEILING = 1 << 20  # Linux fs.nr_open: no process has more descriptors
LISTEN_BACKLOG = 4096  # net.core.somaxconn since Linux 5.4
ADDRESSES_REMEMBERED = 1024  # addresses of peers whose text has been parsed; a fleet behind a gateway shares one
DESCRIPTORS_RESERVED = 128  # for the journal, listeners and what libraries open; RabbitMQ keeps 100 for itself
ACCEPTS_PER_WAKE_MAX = 64  # connections accepted before others get their turn of the loop
ACCEPT_PAUSE_S = 1.0  # asyncio's ACCEPT_RETRY_DELAY: how long accepting rests when descriptors run out
TLS_HANDSHAKE_TIMEOUT_S = 10  # RabbitMQ's ssl_handshake_timeout is 5 s; slow devices need more
TLS_SHUTDOWN_TIMEOUT_S = 5  # a peer that does not answer close_notify is gone by then
TLS_CHECK_INTERVAL_MS = 10_000  # how soon a renewed certificate is noticed without a signal
PROXY_HEADER_TIMEOUT_S = 5  # proxies send it in the first segment; HAProxy's timeout client is longer
PROXY_V1_BYTES_MAX = 107  # PROXY protocol §2.1: the longest line with its CRLF
PROXY_V2_BYTES_MAX = 16 + 4096  # the length field allows 64 KiB; TLVs in use stay below 1 KiB
CLOSE_TIMEOUT_S = 5  # how long a closed connection waits for the peer to close its side
WRITE_BUFFER_HIGH_BYTES = 262_144  # asyncio's default is 64 KiB; one turn's output of a fast consumer is larger
WEBSOCKET_MESSAGE_BYTES_MAX = 32 << 20  # the largest packet of MQTT in one piece, with its framing; AMQP has frames
WEBSOCKET_MESSAGE_BYTES_CEILING = 1 << 30  # twice the ceiling of a message
WEBSOCKET_PREAUTH_BYTES_MAX = 400_000  # the largest CONNECT of MQTT in one frame, and PREAUTH_BYTES_MAX of others
WEBSOCKET_OUTPUT_BYTES_MAX = 65_535  # RFC 6455 §5.2: the longest with a short length; clients bound theirs at 1 MiB
WEBSOCKET_SLICE_BYTES = 16_384  # input that is taken apart in one go: 2,700 of the smallest frames
WEBSOCKET_FRAMES_PER_WAKE = 512  # frames taken apart before others get their turn of the loop: some 5 ms
LOG_INTERVAL_MS = 10_000  # a line that a peer can provoke at will is written once in this time

# --- logins ------------------------------------------------------------------------------------------------------
LOGIN_CACHE_MS = 60_000  # how long a right password is remembered as a keyed digest; RabbitMQ's auth cache: 15 s
LOGIN_CACHE_ENTRIES_MAX = 4096
LOGIN_CHECK_TIMEOUT_MS = 60_000  # how long a log-in waits for our own threads; sshd's LoginGraceTime is 120 s
LOGIN_FAILURES_FREE = 2  # wrong passwords in a row, of a user from an address, that cost nothing; people mistype
LOGIN_DELAY_MS_FIRST = 250  # the delay after the next one; it doubles, as in pam_faildelay's users
LOGIN_DELAY_MS_MAX = 2000  # OpenSSH and login(1) wait about as long; a right log-in from there waits no longer
LOGIN_OFFENDERS_MAX = 4096  # pairs of address and user whose wrong passwords are remembered
LOGIN_OFFENDERS_MS = 600_000  # how long; fail2ban's findtime is 10 minutes

# --- MQTT --------------------------------------------------------------------------------------------------------
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
SHARED_QUEUE_HIGH = 10_000  # messages that wait for a shared subscription, before publishers are held
MQTT_LOSS_REPORT_MS = 60_000  # between two lines that say that a session loses messages; Mosquitto has none but $SYS
MQTT_HOLD_MS = 1000  # how long publishers are held for such a client; it must not stop the others

# --- SQS (quotas of the SQS Developer Guide unless stated) ---------------------------------------------------------
SQS_MESSAGE_BYTES_MAX = 1 << 20  # body and attributes; also of all messages of a batch (since August 2025)
SQS_MESSAGE_BYTES_MIN = 1024  # the least MaximumMessageSize
SQS_BATCH_ENTRIES_MAX = 10
SQS_RECEIVE_MESSAGES_MAX = 10
SQS_MESSAGE_ATTRIBUTES_MAX = 10
SQS_ATTRIBUTE_NAME_BYTES_MAX = 256  # names and types are shorter
SQS_TRACE_HEADER_BYTES_MAX = 65_535  # X-Ray's own headers stay below 200
SQS_DELAY_S_MAX = 900
SQS_VISIBILITY_S_MAX = 43_200  # 12 hours, in total from the first receive
SQS_WAIT_S_MAX = 20
SQS_RETENTION_S_MIN = 60
SQS_RETENTION_S_MAX = 1_209_600  # 14 days
SQS_RECEIVE_COUNT_MAX = 1000  # maxReceiveCount of a redrive policy
SQS_REDRIVE_SOURCES_MAX = 10  # sourceQueueArns of a redrive allow policy
SQS_KMS_REUSE_S_MIN = 60
SQS_KMS_REUSE_S_MAX = 86_400
SQS_CLEAR_TEXT_WARNINGS_MAX = 1000  # queues of which the log says that they are not encrypted; names are made at will
SQS_TAGS_MAX = 50
SQS_LIST_RESULTS_MAX = 1000
SQS_MOVE_RATE_MAX = 500  # MaxNumberOfMessagesPerSecond
SQS_MOVE_TASKS_KEPT = 10  # per source queue
SQS_MOVE_TASKS_RUNNING_MAX = 100  # per account
SQS_PURGE_INTERVAL_MS = 60_000
SQS_DELETED_NAME_MS = 60_000
SQS_ATTRIBUTES_MS = 60_000  # how long a change of attributes may take, by the API Reference
SQS_RECEIVE_ATTEMPT_MS = 300_000  # how long a ReceiveRequestAttemptId is good for
SQS_RECEIVE_ATTEMPTS_MAX = 10_000  # of all queues; AWS names no number
SQS_DECISIONS_REMEMBERED = 10_000  # who may do what to a queue, as long as no permission changes
SQS_URLS_REMEMBERED = 10_000  # queue URLs whose queue is known without parsing
PEEK_MESSAGES_MAX = 1000  # messages that one look at a queue shows

# --- HTTP and AWS ------------------------------------------------------------------------------------------------
HTTP_HEAD_BYTES_MAX = 65_536  # design: 64 KiB before a peer has a name; llhttp's own default is 80 KiB
HTTP_BODY_BYTES_MAX = 4 << 20  # SQS's 1 MiB of text may be three times as long when percent-encoded
HTTP_BODIES_BYTES_MAX = 512 << 20  # incomplete bodies of all connections together; who sends them has no name yet
HTTP_HEAD_TIMEOUT_S = 10  # design: 10 s before a peer has a name; nginx's client_header_timeout is 60 s
HTTP_REQUEST_TIMEOUT_S = 60  # from a request's first byte to its last; nginx's client_body_timeout is 60 s per read
HTTP_HEADER_NAMES_MAX = 1024  # names of headers whose lower case is remembered; clients send some 20
HTTP_HEADER_NAME_BYTES_MAX = 64  # longer names are not remembered
HTTP_HEAD_KEPT_BYTES = 4096  # headers of a head that a connection keeps to compare the next ones with; SDKs send 700
HTTP_IDLE_TIMEOUT_S = 75  # nginx's keepalive_timeout
HTTP_PIPELINE_MAX = 64  # requests of a connection without an answer, before it is read no more
HTTP_SLICE_BYTES = 16_384  # input that is parsed in one go: some 300 of the smallest requests
QUERY_PARAMETERS_MAX = 10_000  # SQS: ten messages with ten attributes of three parameters each are 400
QUERY_DEPTH_MAX = 16  # parts of a parameter's name; SQS has five

# --- AWS services ------------------------------------------------------------------------------------------------
AWS_ACCESS_KEY_ID_CHARS_MIN = 16  # IAM's AccessKey: 16 to 128 of \w
AWS_ACCESS_KEY_ID_CHARS_MAX = 128
AWS_REGION_CHARS_MAX = 32  # the longest of AWS has 14; it is part of names of queues
AWS_CLOCK_SKEW_S = 300  # SigV4 of most services; SQS answers with 15 minutes in its texts
AWS_CLOCK_SKEW_S_CEILING = 86_400  # signing keys are for one day
AWS_PRESIGNED_EXPIRY_S_MAX = 604_800  # SigV4 in a query string: a week
AWS_SIGNING_KEYS_MAX = 4096  # derived keys kept, one per access key, day, region and service
AWS_CLAIMS_MAX = 4096  # Authorization headers kept as far as they repeat, one per signing key and set of signed headers
AWS_HEADS_MAX = 16  # what right signatures began with, kept for each of those headers: a client uses few actions
AWS_HEAD_KEPT_BYTES = 2048  # longer ones are not kept; SDKs sign 200
AWS_TIMESTAMPS_REMEMBERED = 64  # the seconds in which clients sign are few
AWS_CALLERS_MAX = 4096  # callers kept, one per access key, region and client address
AWS_POLICY_BYTES_MAX = 8192  # SQS's quotas for the policy of a queue
AWS_POLICY_STATEMENTS_MAX = 20
AWS_POLICY_PRINCIPALS_MAX = 50
AWS_POLICY_CONDITIONS_MAX = 10  # of one statement; of the whole policy it would refuse what SNS users write
AWS_POLICY_ACTIONS_MAX = 7  # SQS's AddPermission
AWS_CONDITION_VALUE_CHARS_MAX = 2048  # of what a client says of itself and a policy looks at, such as its User-Agent

# --- memory ------------------------------------------------------------------------------------------------------
ALLOCATOR_MAPPED_BYTES = 4 << 20  # blocks from here on are given back when they are freed; scrypt takes 16 MiB
ALLOCATOR_KEPT_BYTES = 64 << 20  # free memory that is kept, so that bodies of 1 MiB do not fault in anew
MEMORY_TRIM_SHARE = 0.9  # of the watermark: from here on free memory goes back to the system
MEMORY_TRIM_INTERVAL_MS = 5000  # each time takes some 0.1 s for a GiB, in which allocations wait
