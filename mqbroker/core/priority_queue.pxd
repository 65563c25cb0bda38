cimport cython

from mqbroker.core.lane cimport Lane
from mqbroker.core.message cimport Entry
from mqbroker.core.queue cimport Queue


cdef class PriorityQueue(Queue):
    cdef public list lanes
    cdef public Py_ssize_t highest
    cdef public Py_ssize_t total

    @cython.locals(index=Py_ssize_t, lane=Lane)
    cpdef Lane lane_of(self, Entry entry)
    @cython.locals(index=Py_ssize_t, lane=Lane)
    cpdef Lane first_lane(self)
    @cython.locals(lane=Lane)
    cpdef Entry peek(self)
    @cython.locals(lane=Lane)
    cpdef Entry pop(self)
    @cython.locals(lane=Lane, entry=Entry)
    cpdef expire(self, long long now)
