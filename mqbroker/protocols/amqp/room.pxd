cimport cython

cimport mqbroker.octets as octets

cdef Py_ssize_t _FACTOR


cdef class Room:
    cdef public Py_ssize_t size
    cdef public Py_ssize_t filled
    cdef public bytes memory

    @cython.locals(needed=Py_ssize_t, memory=bytes)
    cpdef reserve(self, Py_ssize_t count)
    cpdef put(self, bytes data, Py_ssize_t start, Py_ssize_t end)
    cpdef window(self, Py_ssize_t count)
    cpdef bytes take(self)
