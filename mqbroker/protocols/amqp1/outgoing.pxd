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
    cdef readonly LinkSession session
    cdef readonly str name
    cdef readonly long long handle
    cdef bytes wire_handle
    cdef readonly long long credit
    cdef readonly long long delivery_count
    cdef readonly bint is_draining
    cdef readonly long long frame_max
    cdef public long long size_max
    cdef public object default_outcome
    cdef public bint owns_queue
    cdef public bint closes_subscription
    cdef public Properties properties
    cdef readonly str exchange
    cdef readonly str routing_key
    cdef object place
    cdef bint has_parts
    cdef readonly Py_ssize_t size
    cdef bytes head
    cdef readonly bytes middle
    cdef bytes tail

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
