cdef class Clock:
    cdef long long _offset_ms

    cpdef long long now(self) except -1
    cpdef set(self, long long now)
