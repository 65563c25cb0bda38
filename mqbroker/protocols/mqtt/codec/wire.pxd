cimport cython


@cython.locals(ends=list, size=Py_ssize_t, end=Py_ssize_t, at=Py_ssize_t, remaining=Py_ssize_t)
cpdef list packet_ends(bytes data)


@cython.final
cdef class Reader:
    cdef readonly bytes data
    cdef public Py_ssize_t at
    cdef readonly Py_ssize_t end

    cdef bytes take(self, Py_ssize_t size)
