cimport cython

from mqbroker.core.consumer cimport Consumer
from mqbroker.core.ledger cimport Ledger
from mqbroker.core.message cimport Entry, Message, Properties, new_message
from mqbroker.core.queues.base cimport Queue
from mqbroker.core.routing.route cimport Route
from mqbroker.core.routing.router cimport Router
cimport mqbroker.octets as octets
from mqbroker.protocols.amqp.body_budget cimport BodyBudget
from mqbroker.protocols.amqp.channel cimport Channel
from mqbroker.protocols.amqp.room cimport Room
from mqbroker.protocols.session cimport Session

cdef int _PUBLISH
cdef int _ACK
cdef int _OPEN
cdef int _METHOD
cdef int _HEADER
cdef int _BODY
cdef int _REJECTED
cdef int _UNROUTED
cdef int _SETTLED
cdef long long _LARGE


cdef class AmqpConnection(Session):
    cdef public object services
    cdef public Ledger ledger
    cdef public object peer
    cdef public str name
    cdef public object handshake
    cdef public dict capabilities
    cdef public str user
    cdef public Router vhost
    cdef public dict channels
    cdef public int channel_max
    cdef public long long frame_max
    cdef public long long size_limit
    cdef public long long heartbeat_ms
    cdef public long long received_at
    cdef public long long next_sweep
    cdef public long long now
    cdef public Py_ssize_t position
    cdef public long long at_method
    cdef public int current
    cdef public bytes remainder
    cdef public object arrival
    cdef public BodyBudget body_budget
    cdef public long long access_generation
    cdef public list confirming
    cdef public long long promised
    cdef public Py_ssize_t held_bytes
    cdef public bint is_leaving
    cdef public bint close_sent
    cdef public int releasing
    cdef public bint has_published
    cdef public bint is_held
    cdef public str blocked_for

    cpdef process(self, bytes data)
    @cython.locals(
        length=Py_ssize_t, position=Py_ssize_t, limit=cython.longlong, hot=int, channel=Channel, size=cython.longlong,
        end=Py_ssize_t, kind=int, number=int, index=int, frame=bytes, tag=cython.ulonglong,
    )
    cpdef scan(self, bytes data)
    @cython.locals(length=Py_ssize_t, express=bytes, start=Py_ssize_t, end=Py_ssize_t)
    cpdef Py_ssize_t publish_more(self, Channel channel, bytes data, Py_ssize_t position) except -1
    cpdef bint begin_publish(self, Channel channel, bytes frame) except -1
    cpdef begin_content(self, Channel channel, bytes frame)
    @cython.locals(room=Room)
    cpdef collect(self, Channel channel, bytes data, Py_ssize_t start, Py_ssize_t end)
    cpdef complete(self, Channel channel, Room room)
    @cython.locals(route=Route, message=Message, outcome=int)
    cpdef publish(self, Channel channel, bytes body)
    @cython.locals(tag=cython.longlong)
    cpdef published(self, Channel channel, Message message, int outcome, bint mandatory)
    @cython.locals(entry=Entry, consumer=Consumer, queue=Queue)
    cpdef acknowledge(self, Channel channel, unsigned long long tag, bint multiple)
    cpdef long long last_of(self, Channel channel, unsigned long long tag) except? -1
    @cython.locals(entry=Entry, consumer=Consumer, previous=Consumer, consumers=dict, queue=Queue)
    cpdef settle(self, Channel channel, list entries)
