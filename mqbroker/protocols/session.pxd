cimport cython

from mqbroker.core.consumer cimport Gate

cdef Py_ssize_t _HIGH_WATER
cdef Py_ssize_t _LARGE


cdef class Session:
    cdef readonly object outbox
    cdef public object sink
    cdef public Py_ssize_t appetite
    cdef readonly bytearray out
    cdef list lent
    cdef readonly Py_ssize_t lent_bytes
    cdef public long long octets_in
    cdef readonly long long octets_out
    cdef public long long reads
    cdef public long long writes
    cdef bytearray deliveries
    cdef Py_ssize_t deliveries_at
    cdef public bint is_first
    cdef public bint is_halfway
    cdef public bint is_throttled
    cdef bint is_marked
    cdef readonly bint is_paused
    cdef public bint is_closing
    cdef readonly bint is_reading
    cdef public bint is_authenticated
    cdef readonly bint lingers
    cdef public long long deadline
    cdef readonly Gate gate

    cpdef set_reading(self, bint is_reading)
    cpdef mark(self)
    cpdef send(self, piece)
    cpdef send_delivery(self, piece)
    cpdef begin_deliveries(self)
    @cython.locals(deliveries=bytearray, at=Py_ssize_t)
    cpdef send_first(self, piece)
    cpdef append(self, piece)
    cpdef lend(self, piece)
    @cython.locals(data=bytearray)
    cpdef bytearray take_output(self)
    @cython.locals(lent=list)
    cpdef list take_lent(self)
    cpdef receive_data(self, bytes data, long long now)
