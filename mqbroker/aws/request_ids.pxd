cimport cython


cdef class RequestIds:
    cdef list _ready

    cpdef str take(self)
    cpdef bytes take_octets(self)
    @cython.locals(octets=bytearray, made=bytes, start=Py_ssize_t)
    cdef _make(self)


cpdef str uuid_text(bytes octets)
