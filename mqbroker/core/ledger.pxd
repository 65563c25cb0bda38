from mqbroker.core.message cimport Entry


cdef class Ledger:
    cdef public long long position
    cdef public long long committed
    cdef public bint is_journalling
    cdef public object waiting

    cpdef enqueue(self, Entry entry)
    cpdef settle(self, Entry entry)
    cpdef attempt(self, Entry entry)
    cpdef defer(self, Entry entry)
    cpdef promise(self, long long position, object keep)
    cpdef seal(self)
    cpdef commit(self, long long position)
