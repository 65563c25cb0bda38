cimport cython

from mqbroker.core.consumer cimport Gate


cdef class Session:
    cdef public object outbox
    cdef public bytearray out
    cdef public bint is_marked
    cdef public bint is_paused
    cdef public bint is_closing
    cdef public bint is_reading
    cdef public bint is_authenticated
    cdef public long long deadline
    cdef public Gate gate

    cpdef mark(self)
    @cython.locals(out=bytearray)
    cpdef send(self, bytes piece)
    @cython.locals(data=bytearray)
    cpdef bytearray take_output(self)
    cpdef receive_data(self, bytes data, long long now)
