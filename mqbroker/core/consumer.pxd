cimport cython

from mqbroker.core.message cimport Entry, Message


@cython.final
cdef class Gate:
    cdef public bint is_open


@cython.final
cdef class Window:
    cdef public bint is_open
    cdef public long limit
    cdef public long in_flight


cdef class Consumer:
    cdef public object queue
    cdef public Gate gate
    cdef public Window window
    cdef public bint no_ack
    cdef public long prefetch
    cdef public long priority
    cdef public bint is_exclusive
    cdef public bint is_active
    cdef public long in_flight
    cdef public bint is_waiting

    @cython.locals(window=Window)
    cpdef bint can_take(self) except -1
    cpdef deliver(self, Entry entry)
    cpdef pass_on(self, Message message)
    cpdef cancelled(self)
