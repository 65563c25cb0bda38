cimport cython

@cython.final
cdef class Extent:
    cdef readonly long long queue_number
    cdef readonly int lane
    cdef readonly int top
    cdef public Py_ssize_t count
    cdef readonly long long byte_count
    cdef readonly long long first
    cdef public long long last
    cdef readonly long long expires_at

    cpdef add(self, Py_ssize_t count, long long byte_count, long long first, long long last, long long expires_at)


cpdef long long extent_key(long long queue_number, long long lane) except -1
cpdef long long earlier(long long left, long long right) except -1
