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
    cdef readonly object services
    cdef readonly Ledger ledger
    cdef readonly object peer
    cdef readonly str name
    cdef public object handshake
    cdef public dict client_properties
    cdef public dict capabilities
    cdef public str user
    cdef public Router vhost
    cdef readonly dict channels
    cdef public int channel_max
    cdef public long long frame_max
    cdef public long long size_limit
    cdef public long long heartbeat_ms
    cdef readonly long long received_at
    cdef public long long next_sweep
    cdef public long long now
    cdef public Py_ssize_t position
    cdef public long long at_method
    cdef public int current
    cdef public bytes remainder
    cdef public object arrival
    cdef readonly BodyBudget body_budget
    cdef readonly long long access_generation
    cdef readonly list confirming
    cdef readonly long long promised
    cdef public Py_ssize_t held_bytes
    cdef readonly bint is_leaving
    cdef public bint close_sent
    cdef public int releasing
    cdef public bint has_published
    cdef public bint is_held
    cdef public str blocked_for

    cpdef long long last_of(self, Channel channel, unsigned long long tag) except? -1
    @cython.locals(entry=Entry, consumer=Consumer, previous=Consumer, consumers=dict, queue=Queue)
    cpdef settle(self, Channel channel, list entries)
