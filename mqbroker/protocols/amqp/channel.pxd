cimport cython

cimport mqbroker.octets as octets
from mqbroker.core.consumer cimport Window
from mqbroker.core.properties cimport Properties
from mqbroker.core.routing.route cimport Route
from mqbroker.protocols.amqp.body_buffer cimport BodyBuffer
from mqbroker.protocols.unacked cimport Unacked


@cython.final
cdef class Channel:
    cdef readonly object connection
    cdef readonly int number
    cdef public int state
    cdef public int expecting
    cdef public bytes publish_frame
    cdef public bytes header_frame
    cdef public bytes express
    cdef public bint is_repeated
    cdef readonly dict routes
    cdef public Route route
    cdef readonly bint mandatory
    cdef public Properties properties
    cdef public bint is_plain
    cdef long long body_size
    cdef public BodyBuffer buffer
    cdef readonly long long publishes
    cdef public long long returns
    cdef public bint confirms
    cdef readonly long long published
    cdef long long accepted
    cdef readonly long long confirmed
    cdef readonly long long position
    cdef list rejected
    cdef readonly object owed
    cdef public bint is_confirming
    cdef public long long next_tag
    cdef readonly Unacked unacked
    cdef readonly Window window
    cdef readonly Window polling
    cdef public object settling
    cdef public long prefetch
    cdef readonly dict consumers
    cdef readonly dict holders
    cdef readonly object ages
    cdef public object reply_consumer
    cdef public str last_queue
    cdef public str awaited_name
    cdef public object transaction
    cdef public object held
    cdef public bytes held_confirm
    cdef public list held_replies

    @cython.locals(properties=Properties)
    cdef bint has_same_properties(self, bytes frame) except -1


@cython.final
cdef class Arrival:
    cdef public Channel channel
    cdef readonly BodyBuffer buffer
    cdef readonly Py_ssize_t size
    cdef readonly Py_ssize_t left
