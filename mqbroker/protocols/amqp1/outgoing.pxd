cimport cython

from mqbroker.core.consumer cimport Consumer, Window
from mqbroker.core.message cimport Entry, Message, failures_of
from mqbroker.core.properties cimport Properties
cimport mqbroker.octets as octets
from mqbroker.protocols.amqp1.session cimport LinkSession
from mqbroker.protocols.session cimport Session

cdef Py_ssize_t _FRAME_START_BYTES
cdef Py_ssize_t _HIGH_WATER
cdef Py_ssize_t _LARGE


cdef class OutgoingLink(Consumer):
    cdef public LinkSession session
    cdef public str name
    cdef public long long handle
    cdef public bytes wire_handle
    cdef public long long credit
    cdef public long long delivery_count
    cdef public bint is_draining
    cdef public long long frame_max
    cdef public long long size_max
    cdef public object default_outcome
    cdef public bint owns_queue
    cdef public bint closes_subscription
    cdef public Properties properties
    cdef public str exchange
    cdef public str routing_key
    cdef public object place
    cdef public bint has_parts
    cdef public Py_ssize_t size
    cdef public bytes head
    cdef public bytes middle
    cdef public bytes tail

    cpdef Py_ssize_t take_turn(self, Py_ssize_t portion, long long now) except -1
    cpdef cancelled(self)
    @cython.locals(session=LinkSession)
    cpdef deliver(self, Entry entry)
    cpdef pass_on(self, Message message)
    @cython.locals(session=LinkSession, delivery_id=cython.longlong, body=bytes, size=Py_ssize_t)
    cpdef put(self, Message message, bint is_first, long failures)
    @cython.locals(session=LinkSession, connection=Session)
    cpdef put_frame(self, long long delivery_id, bytes body)
    cpdef reshape(self, Message message)
