cimport cython

cdef dict _keys
cdef Py_ssize_t _SEPARATOR_BYTES


@cython.final
cdef class HeaderReader:
    cdef Py_ssize_t _count
    cdef dict _headers
    cdef list _keys
    cdef list _names
    cdef list _texts
    cdef list _values
    cdef readonly Py_ssize_t size_bytes

    cpdef begin(self)
    @cython.locals(at=Py_ssize_t, is_known_place=bint, key=str, text=str)
    cpdef take(self, bytes name, bytes value)
    cdef _drop_from(self, Py_ssize_t at)
    @cython.locals(headers=dict)
    cpdef dict headers(self)
    @cython.locals(headers=dict)
    cdef dict _joined(self)
