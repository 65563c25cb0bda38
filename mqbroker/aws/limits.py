"""Every bound of the AWS services, with the precedent that sets it."""

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
SQS_PAGE_WAIT_MS = 2000  # a receive that does not wait does so for messages on their way from the disk
SQS_RECEIVE_ATTEMPTS_MAX = 10_000  # of all queues; AWS names no number
SQS_DECISIONS_REMEMBERED = 10_000  # who may do what to a queue, as long as no permission changes
SQS_URLS_REMEMBERED = 10_000  # queue URLs whose queue is known without parsing
PEEK_MESSAGES_MAX = 1000  # messages that one look at a queue shows

# --- HTTP and AWS ------------------------------------------------------------------------------------------------
QUERY_PARAMETERS_MAX = 10_000  # SQS: ten messages with ten attributes of three parameters each are 400
AWS_UNPACKED_BYTES_MAX = 4 << 20  # of a body that came compressed; PutMetricData takes 1 MB
CBOR_VALUES_MAX = 300_000  # of a document; a PutMetricData of 1 MB has a third of that
CBOR_DEPTH_MAX = 16  # a value in a value; CloudWatch has eight
QUERY_DEPTH_MAX = 16  # parts of a parameter's name; SQS has five

# --- AWS services ------------------------------------------------------------------------------------------------
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

# --- SNS (quotas of the SNS Developer Guide unless stated) -----------------------------------------------------------
SNS_MESSAGE_BYTES_MAX = 262_144  # body and attributes; also of all messages of a batch
SNS_BATCH_ENTRIES_MAX = 10
SNS_TOPIC_NAME_CHARS_MAX = 256
SNS_DISPLAY_NAME_CHARS_MAX = 100
SNS_SUBJECT_CHARS_MAX = 100
SNS_TAGS_MAX = 50
SNS_LIST_RESULTS_MAX = 100  # topics, subscriptions, applications and endpoints of a page
SNS_FILTER_POLICIES_MAX = 200  # of one topic
SNS_FILTER_POLICIES_CEILING = 100_000
SNS_FILTER_KEYS_MAX = 5
SNS_FILTER_COMBINATIONS_MAX = 150
SNS_PLATFORM_NAME_CHARS_MAX = 256
SNS_USER_DATA_BYTES_MAX = 2048
SNS_POLICY_BYTES_MAX = 30_720  # SNS's quotas for the policy of a topic
SNS_POLICY_STATEMENTS_MAX = 100
SNS_POLICY_PRINCIPALS_MAX = 200
SNS_FILTER_POLICY_BYTES_MAX = 262_144
SNS_DELAY_TARGET_S_MAX = 3600
SNS_RETRIES_MAX = 100
SNS_RETRY_TIME_S_MAX = 3600  # of all retries of a delivery policy together
SNS_ARCHIVE_DAYS_MAX = 365
SNS_DECISIONS_REMEMBERED = 10_000  # who may do what to a topic, as long as no permission changes
SNS_TOKEN_MS = 259_200_000  # three days, in which a subscription is to be confirmed
SNS_PEEK_MAX = 1000  # notifications that one look shows
SNS_ENDED_MAX = 1000  # subscriptions of a topic that a link has ended and another one may bring back
SNS_HOPS_MAX = 8  # topics that one message passes through subscriptions of exchanges
SNS_SANDBOX_NUMBERS_MAX = 10
SNS_PROTECTION_BYTES_MAX = 30_720

# --- CloudWatch (quotas of its User Guide unless stated) -------------------------------------------------------------
CLOUDWATCH_VALUES_MAX = 4_000_000  # of all things and minutes: 32 MB; two days of 100 queues, half an hour of 10,000
CLOUDWATCH_KEPT_MINUTES = 21_600  # 15 days, for which AWS keeps minutes
CLOUDWATCH_ACCOUNT_METRICS_MAX = 10_000  # that clients of an account put in; AWS names no number
CLOUDWATCH_CUSTOM_METRICS_MAX = 20_000  # of all accounts
CLOUDWATCH_CUSTOM_POINTS_MAX = 500_000  # minutes of them; until the next minute twice as many
CLOUDWATCH_LOOKS_PER_MS = 10  # things looked at: what clients ask for takes at most about a tenth of the time
CLOUDWATCH_GROUPS_MAX = 10_000  # message groups of a queue of which it is said which are noisy
CLOUDWATCH_QUEUES_MAX = 500  # of which Amazon MQ says something, those with the most consumers
CLOUDWATCH_QUERIES_MAX = 500  # of a GetMetricData
CLOUDWATCH_DATAPOINTS_MAX = 1440  # of a GetMetricStatistics
CLOUDWATCH_PAGE_POINTS_MAX = 20_000  # of a page of GetMetricData, which AWS has 100,800 on: a page is one piece of work
CLOUDWATCH_PAGE_METRICS_MAX = 500  # of a page of ListMetrics
CLOUDWATCH_FILTERS_MAX = 10  # dimensions by which ListMetrics chooses
CLOUDWATCH_DATA_MAX = 1000  # of a PutMetricData
CLOUDWATCH_DATUM_VALUES_MAX = 150
CLOUDWATCH_DIMENSIONS_MAX = 30
CLOUDWATCH_NAME_CHARS_MAX = 255
CLOUDWATCH_DIMENSION_CHARS_MAX = 1024
CLOUDWATCH_ALARMS_MAX = 5000  # of an account and region
CLOUDWATCH_ALARM_ACTIONS_MAX = 5  # of each state
CLOUDWATCH_ALARMS_SHOWN_MAX = 100
CLOUDWATCH_TAGS_MAX = 50  # of an alarm
CLOUDWATCH_HISTORY_MAX = 5000  # of the node; AWS keeps 30 days
CLOUDWATCH_PERIODS_S_MAX = 86_400  # that an alarm looks back
CLOUDWATCH_TEXT_CHARS_MAX = 1024  # descriptions
CLOUDWATCH_REASON_CHARS_MAX = 1023
CLOUDWATCH_REASON_DATA_CHARS_MAX = 4000
