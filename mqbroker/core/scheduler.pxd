cimport cython

cdef long long _PORTION


cdef class Task:
    cdef readonly bint is_scheduled

    cpdef bint run(self, long long now, long long portion) except -1


@cython.final
cdef class Scheduler:
    cdef readonly object round
    cdef public object wake

    cpdef add(self, Task task)
    @cython.locals(task=Task)
    cpdef bint step(self, long long now) except -1
