cimport cython


cdef class Clock:
    cdef long long _offset_ms

    @cython.locals(ns=cython.longlong)
    cpdef long long now(self) except -1
    cpdef set(self, long long now)
