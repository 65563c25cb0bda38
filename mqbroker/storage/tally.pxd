cimport cython

from mqbroker.core.message cimport Entry


cdef class Share:
    cdef public Py_ssize_t live
    cdef public object settled
    cdef public dict attempts

    cpdef settle(self, long long start, long long end)


cdef class Tally:
    cdef public long long first_lsn
    cdef public long long last_lsn
    cdef public bint is_open
    cdef public bint is_redelivered
    cdef public dict shares

    @cython.locals(share=Share)
    cpdef settle(self, object queue, long long start, long long end)


cdef class Tallies:
    cdef public dict by_first
    cdef public list firsts
    cdef public list dead

    @cython.locals(
        entry=Entry, runs=dict, tally=Tally, first=cython.longlong, beyond=cython.longlong, queue=cython.longlong,
        start=cython.longlong, end=cython.longlong,
    )
    cpdef dict settle(self, list entries)
    @cython.locals(tally=Tally, index=Py_ssize_t)
    cpdef Tally find(self, long long lsn)
    @cython.locals(numbers=list)
    cpdef _settle_run(self, dict runs, Tally tally, object queue, long long start, long long end)
