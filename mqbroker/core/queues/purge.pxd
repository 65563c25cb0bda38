cimport cython

from mqbroker.core.queues.lane cimport Lane
from mqbroker.core.ledger cimport Ledger
from mqbroker.core.message cimport Entry
from mqbroker.core.scheduler cimport Task


cdef class Purge(Task):
    cdef object _done
    cdef object _queue
    cdef bint _is_coming
    cdef list _lanes
    cdef Ledger _ledger

    @cython.locals(lane=Lane, left=cython.longlong, entry=Entry)
    cpdef bint run(self, long long now, long long portion) except -1
