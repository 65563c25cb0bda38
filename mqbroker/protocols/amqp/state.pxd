cimport cython

from mqbroker.core.consumer cimport Consumer
from mqbroker.core.ledger cimport Ledger
from mqbroker.core.message cimport Entry
from mqbroker.core.queues.base cimport Queue
from mqbroker.core.routing.router cimport Router
from mqbroker.protocols.amqp.body_budget cimport BodyBudget
from mqbroker.protocols.amqp.channel cimport Channel
from mqbroker.protocols.session cimport Session


cdef class ConnectionState(Session):
    cdef public object services
    cdef public Ledger ledger
    cdef public object peer
    cdef public str name
    cdef public object handshake
    cdef public dict client_properties
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

    cpdef long long last_of(self, Channel channel, unsigned long long tag) except? -1
    @cython.locals(entry=Entry, consumer=Consumer, previous=Consumer, consumers=dict, queue=Queue)
    cpdef settle(self, Channel channel, list entries)
