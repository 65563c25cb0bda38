cimport cython

from mqbroker.core.stats cimport Flow


@cython.final
cdef class Route:
    cdef readonly str exchange_name
    cdef readonly str routing_key
    cdef public list queues
    cdef public Flow flow
    cdef public bint is_fixed
    cdef public long long generation
