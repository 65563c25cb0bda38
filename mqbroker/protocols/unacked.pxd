cimport cython

from mqbroker.core.message cimport Entry

cdef Py_ssize_t _SPARSE_AT


@cython.final
cdef class Unacked:
    cdef readonly list slots
    cdef long long base
    cdef Py_ssize_t head
    cdef readonly Py_ssize_t live
    cdef object stragglers

    @cython.locals(slots=list)
    cpdef add(self, long long tag, Entry entry)
    @cython.locals(slots=list, gap=cython.longlong, index=Py_ssize_t, entry=Entry)
    cdef bridge(self, long long tag)
    @cython.locals(index=cython.longlong, slots=list, entry=Entry)
    cpdef Entry take(self, unsigned long long tag)
    @cython.locals(slots=list, index=Py_ssize_t, end=Py_ssize_t, entry=Entry, taken=list)
    cpdef list take_through(self, long long tag, Py_ssize_t most)
    @cython.locals(index=cython.longlong)
    cpdef bint has(self, unsigned long long tag) except -1
    @cython.locals(slots=list, head=Py_ssize_t, count=Py_ssize_t)
    cdef skip(self)
    @cython.locals(slots=list, half=Py_ssize_t, index=Py_ssize_t, entry=Entry)
    cdef compact(self)
