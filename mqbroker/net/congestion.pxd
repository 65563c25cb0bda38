cimport cython

from mqbroker.core.ledger cimport Ledger

cdef long long _SHARED_SHARE
cdef long long _SHARED_MS
cdef long long _HEAVY_MAX
cdef long long _FAR_BEHIND


cdef class Congestion:
    cdef readonly Ledger ledger
    cdef object _held
    cdef bint _is_shared
    cdef object _latest
    cdef long long _shared_until
    cdef dict _turns
    cdef object _wake

    cdef long long _bound(self) except -1
    @cython.locals(
        ledger=Ledger, is_shared=bint, is_heavy=bint, total=cython.longlong, backlog=cython.longlong, bound=cython.longlong,
    )
    cpdef weigh(self, connection, long long added, long long now)
    cdef _take_turns(self, who, long long now)
    @cython.locals(room=cython.longlong, bound=cython.longlong)
    cpdef release(self, long long now)
