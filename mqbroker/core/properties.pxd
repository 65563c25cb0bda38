cdef class Properties:
    cdef readonly int code
    cdef readonly bytes raw
    cdef public bint persistent
    cdef public int priority
    cdef public long long ttl_ms
    cdef public bint has_headers
    cdef public bint is_coded
    cdef readonly bint is_dead_letter
