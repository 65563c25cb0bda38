cimport cython

from mqbroker.core.message cimport Entry

cdef Py_ssize_t _COMPACT_AT


@cython.final
cdef class Lane:
    cdef public list fresh
    cdef readonly list returned
    cdef readonly list tail
    cdef public object middle
    cdef public object reader
    cdef readonly Py_ssize_t head
    cdef public Py_ssize_t count
    cdef public bint is_stalled

    cpdef push(self, Entry entry)
    cpdef Entry peek(self)
    @cython.locals(head=Py_ssize_t, entry=Entry)
    cpdef Entry pop(self)
    @cython.locals(entry=Entry)
    cpdef put_back(self, list entries)
    @cython.locals(entry=Entry)
    cpdef bint pass_over(self) except -1
    cpdef Entry take_at(self, Py_ssize_t index)
    cpdef list entries(self)
    cpdef advance(self)
