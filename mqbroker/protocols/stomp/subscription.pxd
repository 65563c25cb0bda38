cimport cython

from mqbroker.core.consumer cimport Consumer
from mqbroker.core.message cimport Entry, Message
from mqbroker.core.properties cimport Properties
from mqbroker.protocols.stomp.wire cimport StompWire
from mqbroker.protocols.unacked cimport Unacked

cdef Py_ssize_t _HIGH_WATER
cdef Py_ssize_t _LARGE


cdef class Subscription(Consumer):
    cdef public StompWire wire
    cdef public str id
    cdef public str destination
    cdef public str tag
    cdef public object browsing
    cdef public bint has_ack
    cdef public bint is_cumulative
    cdef public bint is_fixed
    cdef public Unacked unacked
    cdef public list parts
    cdef public str exchange
    cdef public str routing_key
    cdef public Properties properties
    cdef public Py_ssize_t size
    cdef public bytes start
    cdef public bytes middle
    cdef public bytes middle_again
    cdef public bytes tail

    @cython.locals(number=cython.longlong)
    cpdef deliver(self, Entry entry)
    cpdef pass_on(self, Message message)
    @cython.locals(wire=StompWire, number=cython.longlong, body=bytes, middle=bytes, tail=bytes)
    cpdef put(self, Message message, bint is_redelivered)
    cpdef readdress(self, Message message)
    cpdef reshape(self, Properties properties, Py_ssize_t size)
    cpdef cancelled(self)
