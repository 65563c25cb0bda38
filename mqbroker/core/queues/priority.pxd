cimport cython

from mqbroker.core.queues.lane cimport Lane
from mqbroker.core.message cimport Entry
from mqbroker.core.queues.classic cimport ClassicQueue


cdef class PriorityQueue(ClassicQueue):
    cdef list lanes
    cdef Py_ssize_t highest
    cdef Py_ssize_t total

    @cython.locals(index=Py_ssize_t, lane=Lane)
    cpdef Lane lane_of(self, Entry entry)
    @cython.locals(index=Py_ssize_t, lane=Lane)
    cpdef Lane first_lane(self)
    @cython.locals(lane=Lane)
    cpdef Entry peek(self)
    @cython.locals(lane=Lane)
    cpdef Entry pop(self)
    @cython.locals(lane=Lane, entry=Entry)
    cpdef bint has_expired(self, long long now) except -1
    @cython.locals(lane=Lane, entry=Entry, dropped=Py_ssize_t)
    cpdef Py_ssize_t drop(self, long long now, Py_ssize_t most) except -1
