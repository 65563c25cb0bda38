cimport cython

cdef Py_ssize_t _IDLE
cdef Py_ssize_t _DUE


@cython.final
cdef class Timer:
    cdef object callback
    cdef readonly long long deadline
    cdef long long order
    cdef public Py_ssize_t place


@cython.final
cdef class Timers:
    cdef readonly list _heap
    cdef long long _order

    cpdef Timer at(self, long long deadline, object callback)
    cpdef move(self, Timer timer, long long deadline)
    @cython.locals(place=Py_ssize_t, last=Timer)
    cpdef cancel(self, Timer timer)
    @cython.locals(first=Timer)
    cpdef object next_deadline(self)  # as `long long`, Cython writes an exception value that C does not take
    @cython.locals(timer=Timer, due=list)
    cpdef advance(self, long long now)
    @cython.locals(heap=list, above=Timer)
    cdef _rise(self, Timer timer, Py_ssize_t place)
    @cython.locals(heap=list, below=Py_ssize_t)
    cdef _sink(self, Timer timer, Py_ssize_t place)


cdef bint _is_before(Timer left, Timer right)
