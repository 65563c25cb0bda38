cimport cython

cimport mqbroker.octets as octets
from mqbroker.core.consumer cimport Window
from mqbroker.core.properties cimport Properties
from mqbroker.core.routing.route cimport Route
from mqbroker.protocols.amqp.body_buffer cimport BodyBuffer
from mqbroker.protocols.unacked cimport Unacked


@cython.final
cdef class Channel:
    cdef public object connection
    cdef public int number
    cdef public int state
    cdef public int expecting
    cdef public bytes publish_frame
    cdef public bytes header_frame
    cdef public bytes express
    cdef public bint is_repeated
    cdef public dict routes
    cdef public Route route
    cdef public bint mandatory
    cdef public Properties properties
    cdef public bint is_plain
    cdef public long long body_size
    cdef public BodyBuffer buffer
    cdef public long long publishes
    cdef public long long returns
    cdef public bint confirms
    cdef public long long published
    cdef public long long accepted
    cdef public long long confirmed
    cdef public long long position
    cdef public list rejected
    cdef public object owed
    cdef public bint is_confirming
    cdef public long long next_tag
    cdef public Unacked unacked
    cdef public Window window
    cdef public Window polling
    cdef public object settling
    cdef public long prefetch
    cdef public dict consumers
    cdef public dict holders
    cdef public object ages
    cdef public object reply_consumer
    cdef public str last_queue
    cdef public object transaction
    cdef public object held
    cdef public bytes held_confirm
    cdef public list held_replies

    @cython.locals(properties=Properties)
    cpdef bint has_same_properties(self, bytes frame) except -1


@cython.final
cdef class Arrival:
    cdef public Channel channel
    cdef public BodyBuffer buffer
    cdef public Py_ssize_t size
    cdef public Py_ssize_t left
