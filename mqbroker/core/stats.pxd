cimport cython


@cython.final
cdef class Counts:
    cdef public long long published
    cdef public long long passed
    cdef public long long delivered
    cdef public long long no_ack
    cdef public long long redelivered
    cdef public long long got
    cdef public long long acked
    cdef public long long rejected
    cdef public long long returned
    cdef public long long expired
    cdef public long long dropped
    cdef public long long refused
    cdef public long long purged
    cdef public long long dead_lettered

    cpdef add(self, Counts other)


@cython.final
cdef class Flow:
    cdef public long long received
    cdef public long long surplus
    cdef public long long unrouted

    cpdef add(self, Flow other)
