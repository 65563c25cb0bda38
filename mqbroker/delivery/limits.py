"""Every bound of what the broker sends of itself."""

RESPONSE_BYTES_MAX = 65_536  # of an answer, of which only the beginning is of interest
RESPONSE_HEAD_BYTES_MAX = 65_536
CONNECT_TIMEOUT_S = 5.0
LOOKUP_TIMEOUT_S = 5.0  # of a name, for which resolvers wait 5 s by default before they ask again
ADDRESSES_S = 30.0  # how long what was found is good without another look
ADDRESSES_MAX = 10_000  # hosts of which that is known
IDLE_CONNECTIONS_MAX = 128  # kept for the next message, of all endpoints
IDLE_CONNECTIONS_OF_ONE_MAX = 4
IDLE_S = 30.0
HTTP2_CONNECTIONS_MAX = 16  # of all push services; each has a hundred requests at once and more
HTTP2_IDENTITIES_MAX = 64  # applications with a certificate that have connections of their own
REFUSED_S = 60.0  # how long a certificate that is none, or has another key, is not looked at again
READ_BYTES = 16_384
LANE_STARTS = 4  # attempts at once of an endpoint that has answered for the first time
LANE_MOST = 16  # and of one that goes on
JITTER_MOST = 0.1  # the part of a delay by which a repetition may be later
LEASE_MARGIN_MS = 15_000  # beyond the longest attempt: after a crash a message comes back no later
STREAM_MOST = 500  # records of a stream that are written at once: of a PutRecordBatch
STREAMS_MOST = 5000  # the same of all streams, which wait for each other and hold no connection meanwhile
BATCH_RECORDS_MAX = STREAM_MOST
BACKLOG_MAX = 100_000  # messages that wait for one endpoint
REASON_CHARS_MAX = 500  # of what an endpoint says of itself in the log
SMS_PARTS_MAX = 10  # SNS Developer Guide: 1,600 characters of the alphabet
SMPP_PDU_BYTES_MAX = 65_536  # a message of 254 octets and its options; a payload has 64 KB at most
SMPP_ENQUIRE_S = 30.0  # without a sign of life: what gateways commonly ask for
KEY_CHARS_MAX = 4096  # of a private key as PEM: RSA with 4096 bits has 3300, and longer ones take seconds to check
