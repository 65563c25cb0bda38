cimport cython

from mqbroker.core.message cimport Entry
from mqbroker.storage.intervals cimport Intervals


cdef int _TOGETHER_BITS
cdef long long _GONE


@cython.final
cdef class Share:
    cdef public Py_ssize_t live
    cdef public Intervals settled
    cdef public dict attempts

    cpdef settle(self, long long start, long long end)


@cython.final
cdef class SegmentLiveness:
    cdef readonly long long first_lsn
    cdef public long long last_lsn
    cdef public bint is_open
    cdef public bint is_redelivered
    cdef public bint is_encrypted
    cdef public bytes index
    cdef public long long index_at
    cdef public long long size
    cdef public double entry_bytes
    cdef public dict shares
    cdef readonly dict packed
    cdef public dict stale

    @cython.locals(share=Share)
    cpdef settle(self, object queue, long long start, long long end)
    @cython.locals(share=Share)
    cpdef change(self, object queue, object sequence, tuple change)


@cython.final
cdef class Run:
    cdef SegmentLiveness segment
    cdef readonly long long queue
    cdef readonly long long start
    cdef readonly long long end
    cdef readonly long long first
    cdef long long beyond


@cython.final
cdef class LogLiveness:
    cdef readonly dict by_first
    cdef readonly list firsts
    cdef list dead
    cdef readonly object moved

    @cython.locals(entry=Entry, run=Run, runs=dict, open_runs=dict, queue=cython.longlong, has_moved=cython.bint)
    cpdef dict settle(self, list entries)
    @cython.locals(entry=Entry, segment=SegmentLiveness, change=tuple, found=list)
    cpdef list defer(self, list entries)
    @cython.locals(segment=SegmentLiveness, index=Py_ssize_t)
    cpdef SegmentLiveness find(self, long long lsn)
    @cython.locals(segment=SegmentLiveness, numbers=list)
    cdef _settle_run(self, dict runs, Run run)
    cdef _drop_if_dead(self, SegmentLiveness segment)
