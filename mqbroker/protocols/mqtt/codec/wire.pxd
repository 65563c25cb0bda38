cdef class Reader:
    cdef public bytes data
    cdef public Py_ssize_t at
    cdef public Py_ssize_t end

    cpdef bytes take(self, Py_ssize_t size)
