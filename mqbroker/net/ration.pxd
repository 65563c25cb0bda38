cdef long long _SLICE_NS
cdef long long _SLICE_BYTES_MIN
cdef long long _BYTES_MAX


cdef class Ration:
    cdef readonly long long slice_bytes
    cdef long long _spent_ns
    cdef long long _turn

    cpdef bint spend(self, long long size, long long spent_ns, long long turn, long long share_ns) except -1
