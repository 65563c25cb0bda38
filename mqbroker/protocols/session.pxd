from mqbroker.core.consumer cimport Gate


cdef class Session:
    cdef public object outbox
    cdef public list out
    cdef public long long out_bytes
    cdef public bint is_marked
    cdef public bint is_paused
    cdef public bint is_closing
    cdef public bint is_reading
    cdef public bint is_authenticated
    cdef public long long deadline
    cdef public Gate gate

    cpdef mark(self)
    cpdef send(self, bytes piece)
    cpdef bytes take_output(self)
    cpdef receive_data(self, bytes data, long long now)
