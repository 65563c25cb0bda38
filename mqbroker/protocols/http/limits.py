"""Every bound of HTTP connections, with the precedent that sets it."""

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
