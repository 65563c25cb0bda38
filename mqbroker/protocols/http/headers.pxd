cimport cython

cdef dict _keys


@cython.final
cdef class HeaderReader:
    cdef Py_ssize_t _count
    cdef list _keys
    cdef list _names
    cdef list _texts
    cdef list _values
    cdef public Py_ssize_t size_bytes

    cpdef begin(self)
    @cython.locals(at=Py_ssize_t, is_known_place=bint, key=str, text=str)
    cpdef take(self, bytes name, bytes value)
    cdef _drop_from(self, Py_ssize_t at)
    @cython.locals(headers=dict, keys=list, texts=list, at=Py_ssize_t, key=str, text=str)
    cpdef dict headers(self)
