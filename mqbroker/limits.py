"""Every bound of the whole broker, with the precedent that sets it. Options may lower or raise some; none is unbounded.

Those of one protocol alone are in the `limits.py` of its folder.
"""

# --- before authentication ----------------------------------------------------------------------------------------
PREAUTH_BYTES_MAX = 65_536  # design: 64 KiB and 10 s before a peer has a name
PREAUTH_TIMEOUT_S = 10  # RabbitMQ's handshake_timeout is 10 s
PREAUTH_CONNECTIONS_MAX = 1024  # Artemis CVE-2022-23913: a budget for peers that have no name yet

# --- messages ----------------------------------------------------------------------------------------------------
MESSAGE_BYTES_MAX = 128 << 20  # the default of RabbitMQ 3.13, whose name we go by; an option changes it
RECENT_TOPICS_MAX = 10_000  # of which messages are kept for retroactive subscriptions
RECENT_MESSAGES_BYTES_MAX = 32 << 20  # what they take together
RECENT_MESSAGE_OVERHEAD_BYTES = 256  # what one takes beside its body and properties
RECENT_MESSAGES_AT_ONCE = 10_000  # with how many, the newest, a subscription begins
MESSAGE_BYTES_CEILING = 512 << 20  # RabbitMQ's own hard ceiling
EXPIRY_MS_MAX = 315_360_000_000  # RabbitMQ's MAX_EXPIRY_TIMER for x-message-ttl and x-expires: ten years
DELAY_MS_MAX = (1 << 32) - 1  # the delayed-message plugin's longest x-delay: Erlang's longest timer
COUNT_MAX = (1 << 63) - 1  # what a signed C integer counts to; a client may name more, and means no limit
QUEUE_PRIORITY_MAX = 255  # RabbitMQ's x-max-priority
QUORUM_PRIORITY_MAX = 31  # RabbitMQ 4.3: quorum queues have 32 strict priorities without being asked for them
SHARED_QUEUE_HIGH = 10_000  # messages that wait for a shared subscription, before publishers are held

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
ACCESS_DECISIONS_MAX = 4096  # what users may do to which queue or exchange, as long as no permission changes
CONSUMER_SHAPES_MAX = 16  # of these, whose encoding a consumer remembers: ten priorities in turn and some more
RECENT_PROPERTIES_BYTES_MAX = 256  # longer ones are seldom equal, and would take memory

# --- selectors ---------------------------------------------------------------------------------------------------
SELECTOR_CHARACTERS_MAX = 8192  # parsing one as long takes some 50 ms; ActiveMQ's are bounded by its frames only
REGEX_CHARACTERS_MAX = 1024  # of an expression in a selector, as of RabbitMQ's filters
REGEX_MEMORY_BYTES = 1 << 20  # of a compiled one; RE2 takes 8 MiB unless it is told
XML_BYTES_MAX = 65_536  # of a body that XPATH looks into
XML_NODES_MAX = 4096  # of it; making them takes some 10 ms
XML_DEPTH_MAX = 100  # elements within each other
XPATH_DEPTH_MAX = 40  # parentheses, predicates and arguments within each other: Python's own stack ends at 1000
XPATH_WORK_MAX = 100_000  # nodes that one expression looks at in one body, which takes some 20 ms
XPATHS_MAX = 8  # in one selector: each may take that long
XPATH_COST = 50  # of it in messages, for whoever looks at a portion of them
SELECTOR_DEPTH_MAX = 200  # operators within each other; Python's own stack ends at 1000

PASSED_OVER_MAX = 10_000  # messages of a queue that its consumers look at beyond the first that none of them selects
MESSAGE_GROUPS_MAX = 65_536  # of a queue, whose owners are known

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
JOURNAL_SHARED_BEHIND_SHARE = 8  # this part of it where others publish as well: their confirms wait for all of it twice
JOURNAL_SHARED_MS = 1000  # how long others are expected to publish once two have
JOURNAL_FAR_BEHIND_FACTOR = 8  # times as much, and everybody is held who adds anything
PUBLISHERS_HEAVY_MAX = 16  # who has added the 16th part of the bound to a batch is one of those who add most
PUBLISHERS_LET_GO_MAX = 4  # as many are let go at once when nothing waits for the disk
PUBLISHER_HASTE = 20  # who was held while others publish is read in such a part of a slice: 50 us of work
SLOW_WRITE_S = 0.002  # a write to the page cache that takes longer has waited for the disk
SLOW_WRITES_EXPECTED_S = 5  # how long others are then expected: Linux writes out so often (dirty_writeback)
SEGMENT_BYTES_MIN = 1 << 20  # below this, segments cost more files than they save in early deletion
MARK_BYTES_MAX = 512  # what the end of a log at rest is marked with: the time by four clocks
OPENING_ROOM_BYTES_MIN = 1 << 16  # on a full disk: room for acknowledgements of some 10,000 messages, nearly in order
JOURNAL_READ_BYTES = 1 << 20  # how much of a segment a follower's reader has in memory, unless one batch is larger
RECOVERY_STEP_BYTES = 4 << 20  # of messages made, after which recovery looks whether they fit into memory
RECOVERY_MEMORY_SHARE_MAX = 0.9  # of a control group's memory: some is needed to serve what was recovered
CHECKPOINT_SHARE = 8  # of a segment at most: where the definitions are more, segments are longer
DEFINITIONS_TOGETHER = 128  # whose octets are kept together for checkpoints: one changes, and all are made anew
DEFINITIONS_TOGETHER_BYTES = 32 << 10
INDEX_SORTED_MAX = 8192  # parts of queues in an index: of more, those with nothing alive are not left out
SEGMENT_END_SHARE = 8  # of a segment, up to BATCH_BYTES_MAX: with less room than that after a batch, it ends with that
QUEUE_WINDOW = 4096  # messages that each queue keeps in memory at least: some milliseconds of a fast consumer's work
PRESSED_WINDOW_SHARE = 64  # this part of the window is kept of each queue while memory is short
MEMORY_LIMIT_SHARE = 0.4  # of the memory that there is: what RabbitMQ 3 has before it holds publishers back
CARRIED_INDEX_SHARE = 64  # of a segment: the longest index of another one that each checkpoint repeats
DISK_USE_MAX = 1.5  # times what is alive, and two segments: above that mostly dead ones are emptied
DISK_SLACK_SEGMENTS = 2
RELOCATED_BYTES_PER_S = 16 << 20  # gone through for that: a tenth of what a slow disk reads
REST_BYTES = 64 << 10  # of it that is gone through has the interpreter for some 0.2 ms, which the loop waits for
REST_S = 0.002  # after that: a stretch takes 30 ms more
WALK_STEP_BYTES = 1 << 20  # of a segment that is gone through in the background, before others have their turn
SCRUB_BYTES_PER_S = 16 << 20  # checked in the background after a restart: a tenth of what a slow disk reads
QUEUE_WINDOW_CEILING = 1 << 24
QUEUE_WINDOW_BYTES = 16 << 20  # and of these no more than so many octets, unless one message is larger
PAGE_BYTES_MIN = 64 << 10  # octets that leave memory together, however few messages they are
PAGE_ENTRIES_MIN = 32  # (with that window) that leave memory together: fewer are not worth a read
BODY_BYTES_MIN = 64  # of a body that leaves memory by itself: what stays of its message is longer than a shorter one
PAGES_AHEAD_MAX = 64  # read ahead at once, if they are small
SPILL_INTERVAL_MS = 1000  # (with that window) between two looks for long queues
SPILL_LOOKS = 500  # queues, before others have their turn
SPILL_LOOKS_PER_S = 10_000  # queues: all of very many are not looked at each second
SPILL_BYTES_AT_ONCE = 1 << 20  # recorded before it is looked again how much waits for the disk; and one message
SPILL_BEHIND_SHARE = 4  # of what may wait for the disk: what nobody was promised takes no more of it
RECEIVED_AT_ONCE = 10  # AWS: MaxNumberOfMessages
BODIES_KEPT_MIN = 10  # of a queue with any window: as many as SQS takes in one receive
STRETCHES_KEPT_BYTES = 16 << 20  # octets of the journal that were read last: queues that fill together drain together
YOUNG_BYTES_MAX = 16 << 20  # of the journal, which no queue with that window pages yet: consumers may be close to it
STRETCH_BYTES = 1 << 20  # (with that window) of a segment, read at once: some 7,000 of the smallest messages
STRETCH_ENTRIES_MIN = 64  # messages of each queue in it on average: what stands between them is read too
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
ACCESS_KEY_ID_CHARS_MIN = 16  # IAM's AccessKey: 16 to 128 of \w
ACCESS_KEY_ID_CHARS_MAX = 128

# --- memory ------------------------------------------------------------------------------------------------------
ALLOCATOR_MAPPED_BYTES = 4 << 20  # blocks from here on are given back when they are freed; scrypt takes 16 MiB
ALLOCATOR_KEPT_BYTES = 64 << 20  # free memory that is kept, so that bodies of 1 MiB do not fault in anew
MEMORY_TRIM_SHARE = 0.9  # of the watermark: from here on free memory goes back to the system
MEMORY_TRIM_INTERVAL_MS = 5000  # each time takes some 0.1 s for a GiB, in which allocations wait

# --- statistics --------------------------------------------------------------------------------------------------
SAMPLE_INTERVAL_MS = 5000  # RabbitMQ's collect_statistics_interval
SAMPLES_KEPT = 120  # of the node: ten minutes
SAMPLED_QUEUES_MAX = 25_000  # with more, rates are known of vhosts and of the node only

# --- the pair ------------------------------------------------------------------------------------------------------
PAIR_COURSE_SEGMENTS_MAX = 4096  # segments that a node knows its own course by: 256 GiB at the usual size
PAIR_GREETING_BYTES_MAX = 4 << 20  # of a peer that has not said who it is; a terabyte of segments takes 1 MiB
PAIR_IN_FLIGHT_BYTES_MAX = 8 << 20  # sent and not acknowledged: beyond it no further batch is written; one batch
PAIR_QUEUED_BYTES_MAX = 64 << 20  # of a standby that is behind, before it is read from the files again
PAIR_READ_BYTES = 256 << 10  # sent from files at once, so that whoever is served does not wait for it
PAIR_DIVERGENT_FILES_MAX = 16  # kept for the operator; the oldest go
PAIR_LINKS_MAX = 64  # at once on a node: standbys and tools
PAIR_BEAT_MS = 500  # how often both sides of a link show that they live

BACKEND_CALLS_MAX = 64  # questions about log-ins to other services at the same time
BACKEND_QUESTIONS_MAX = 10_000  # about what may be done, that have no answer yet; more are refused
BACKEND_DECISIONS_MAX = 100_000  # of such answers that are kept
BACKEND_DECISION_MS_MIN = 1000  # how long one counts at least: whoever waited for it has to see it
BACKEND_USERS_MAX = 100_000  # whom only other services know, and who have logged in since the start
AUDIT_FILE_BYTES_MAX = 64 << 20  # of the audit trail's current file before it is packed within its hour
AUDIT_RECORDS_WAITING_MAX = 100_000  # not written yet; some 100 MiB, and seconds of a disk that has stalled
AUDIT_STRANGERS_PER_S_MAX = 50  # calls of nobody known, which could fill the disk
AUDIT_PARAMETERS_BYTES_MAX = 64 << 10  # of one record; CloudTrail leaves out what is over 100 KB
SYSLOG_LINES_MAX = 10_000  # not sent yet: a server of syslog that is not there must not cost memory
SYSLOG_RETRY_S = 1  # between two attempts to reach it
SYSLOG_STOP_S = 2  # for the last lines
SYSLOG_DATAGRAM_BYTES_MAX = 8192  # RFC 5424 §6.1 asks receivers for 2048; rsyslog takes this
