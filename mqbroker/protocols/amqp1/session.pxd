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
    cdef readonly IncomingLink link
    cdef readonly long long first
    cdef readonly long long last
    cdef readonly bytes outcome
    cdef readonly long long position

    cpdef bint takes(self, IncomingLink link, long long delivery_id, bytes outcome, long long position) except -1


@cython.final
cdef class LinkSession:
    cdef readonly object connection
    cdef public long long channel
    cdef readonly object vhost
    cdef bytes disposition_start
    cdef public long long handle_max
    cdef readonly dict incoming
    cdef readonly dict outgoing
    cdef readonly set dying
    cdef public long long next_incoming_id
    cdef readonly long long window
    cdef long long half_window
    cdef public long long incoming_left
    cdef public long long next_outgoing_id
    cdef long long remote_window
    cdef readonly object backlog
    cdef public bint is_flowing
    cdef readonly long long next_tag
    cdef readonly Unacked unacked
    cdef list ready
    cdef readonly object owed
    cdef public bint is_confirming
    cdef public bint is_ending

    cpdef count_transfer(self)
    cdef sent_one(self)
    cdef stop_flowing(self)
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
