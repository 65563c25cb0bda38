cimport cython


@cython.final
cdef class Counts:
    cdef readonly long long published
    cdef readonly long long passed
    cdef readonly long long delivered
    cdef readonly long long no_ack
    cdef readonly long long redelivered
    cdef readonly long long got
    cdef readonly long long acked
    cdef readonly long long rejected
    cdef readonly long long returned
    cdef public long long expired
    cdef readonly long long dropped
    cdef readonly long long refused
    cdef public long long purged
    cdef readonly long long dead_lettered

    cpdef add(self, Counts other)


@cython.final
cdef class Flow:
    cdef public long long received
    cdef public long long surplus
    cdef public long long unrouted

    cpdef add(self, Flow other)
