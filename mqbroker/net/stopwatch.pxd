cimport cython

cdef long long _SLOW_MS


cdef class Stopwatch:
    cdef readonly long long longest_ms
    cdef readonly long long slow_turns
    cdef long long _began_ns
    cdef object _longest
    cdef long long _longest_ns

    cpdef took(self, long long began_ns, long long ended_ns, object what)
    cpdef end_turn(self, long long began_ns, long long kept_ns, long long ended_ns)
    @cython.locals(spent_ms=cython.longlong)
    cpdef end(self, long long ended_ns)
