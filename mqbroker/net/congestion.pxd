cimport cython

from mqbroker.core.ledger cimport Ledger

cdef long long _SHARED_SHARE
cdef long long _SHARED_MS


cdef class Congestion:
    cdef readonly Ledger ledger
    cdef public object latest
    cdef readonly long long shared_until
    cdef public bint is_shared
    cdef readonly object held
    cdef object _wake
    cdef dict _turns

    cdef _bound(self)
    cpdef weigh(self, connection, total, backlog)
    cpdef take_turns(self, who, long long now)
    cpdef release(self, long long now)
