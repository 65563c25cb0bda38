cimport cython

cimport mqbroker.octets as octets
from mqbroker.core.consumer cimport Consumer
from mqbroker.core.message cimport Entry
from mqbroker.core.queues.base cimport Queue
from mqbroker.protocols.amqp1.codec.quick cimport Quick
from mqbroker.protocols.amqp1.links cimport IncomingLink
from mqbroker.protocols.unacked cimport Unacked

cdef long long _AT_ONCE
cdef long long _WINDOW_MAX
cdef long long _MASK
cdef long long _HALF


@cython.final
cdef class OutcomeRun:
    cdef public IncomingLink link
    cdef public long long first
    cdef public long long last
    cdef public bytes outcome
    cdef public long long position

    cpdef bint takes(self, IncomingLink link, long long delivery_id, bytes outcome, long long position) except -1


@cython.final
cdef class LinkSession:
    cdef public object connection
    cdef public long long channel
    cdef public object vhost
    cdef public bytes disposition_start
    cdef public long long handle_max
    cdef public dict incoming
    cdef public dict outgoing
    cdef public set dying
    cdef public long long next_incoming_id
    cdef public long long window
    cdef public long long half_window
    cdef public long long incoming_left
    cdef public long long next_outgoing_id
    cdef public long long remote_window
    cdef public object backlog
    cdef public bint is_flowing
    cdef public long long next_tag
    cdef public Unacked unacked
    cdef public list ready
    cdef public object owed
    cdef public bint is_confirming
    cdef public bint is_ending

    cpdef count_transfer(self)
    cpdef sent_one(self)
    cpdef stop_flowing(self)
    @cython.locals(run=OutcomeRun)
    cpdef note(self, IncomingLink link, long long delivery_id, bytes outcome, long long position)
    @cython.locals(
        unacked=Unacked, start=bytes, length=Py_ssize_t, limit=Py_ssize_t, now=cython.longlong, next_id=cython.longlong,
        next_tag=cython.longlong, consumer=Consumer, size=Py_ssize_t, end=Py_ssize_t, count=cython.longlong,
        tag=cython.longlong, stop=cython.longlong, entry=Entry, queue=Queue,
    )
    cpdef Py_ssize_t take_acceptances(self, bytes data, Py_ssize_t position, Quick quick) except -1
    @cython.locals(next_id=cython.longlong, start=cython.longlong, count=cython.longlong, end=cython.longlong)
    cpdef list take_entries(self, long long first, long long last)
