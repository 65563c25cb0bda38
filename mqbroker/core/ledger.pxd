from mqbroker.core.message cimport Entry


cdef class Ledger:
    cdef public long long position
    cdef readonly long long committed
    cdef public bint is_journalling
    cdef readonly object waiting
    cdef readonly long long backlog_max
    cdef readonly long long window
    cdef readonly long long room

    cpdef enqueue(self, Entry entry)
    cpdef settle(self, Entry entry)
    cpdef attempt(self, Entry entry)
    cpdef defer(self, Entry entry)
    cpdef promise(self, long long position, object keep)
    cpdef seal(self)
    cpdef long long added(self) except -1
    cpdef long long backlog(self) except -1
    cpdef commit(self, long long position)
