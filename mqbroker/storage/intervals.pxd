cimport cython


cdef class Intervals:
    cdef readonly list starts
    cdef readonly list ends

    @cython.locals(ends=list)
    cpdef long long add(self, long long start, long long end) except? -1
    cdef _append(self, long long start, long long end)
    @cython.locals(starts=list, ends=list, first=Py_ssize_t, last=Py_ssize_t, index=Py_ssize_t, fresh=cython.longlong)
    cdef long long _merge(self, long long start, long long end) except? -1
    @cython.locals(index=Py_ssize_t)
    cpdef tuple span(self, long long number)
