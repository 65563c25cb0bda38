cimport cython

from mqbroker.core.consumer cimport Consumer
from mqbroker.core.message cimport Entry, Message
from mqbroker.core.properties cimport Properties
from mqbroker.protocols.stomp.wire cimport StompWire
from mqbroker.protocols.unacked cimport Unacked

cdef Py_ssize_t _HIGH_WATER
cdef Py_ssize_t _LARGE


cdef class Subscription(Consumer):
    cdef readonly StompWire wire
    cdef public str id
    cdef readonly str destination
    cdef readonly str tag
    cdef public object browsing
    cdef bint has_ack
    cdef public bint is_cumulative
    cdef public bint is_fixed
    cdef public Unacked unacked
    cdef readonly list parts
    cdef readonly str exchange
    cdef readonly str routing_key
    cdef readonly Properties properties
    cdef readonly Py_ssize_t size
    cdef readonly bytes start
    cdef bytes middle
    cdef bytes middle_again
    cdef bytes tail

    @cython.locals(number=cython.longlong)
    cpdef deliver(self, Entry entry)
    cpdef pass_on(self, Message message)
    @cython.locals(wire=StompWire, number=cython.longlong, body=bytes, middle=bytes, tail=bytes)
    cpdef put(self, Message message, bint is_redelivered)
    cpdef readdress(self, Message message)
    cpdef reshape(self, Properties properties, Py_ssize_t size)
    cpdef cancelled(self)
