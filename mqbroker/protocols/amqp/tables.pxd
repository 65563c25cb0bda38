cimport cython

cimport mqbroker.octets as octets

cdef bytes _SIZES
cdef int _OWN_SIZE
cdef int _STRING
cdef int _BYTES
cdef int _TABLE
cdef int _ARRAY

cdef int _descend(int depth) except -1
cdef _read_sized(bytes data, int kind, Py_ssize_t start, Py_ssize_t stop, int depth)
@cython.locals(kind=int, start=Py_ssize_t, size=Py_ssize_t, stop=Py_ssize_t)
cdef tuple _read_value(bytes data, Py_ssize_t at, Py_ssize_t end, int depth)
@cython.locals(start=Py_ssize_t, stop=Py_ssize_t)
cdef (Py_ssize_t, Py_ssize_t) _sized_span(bytes data, Py_ssize_t at, Py_ssize_t end) except *
@cython.locals(table=dict, start=Py_ssize_t, stop=Py_ssize_t)
cdef dict _read_pairs(bytes data, Py_ssize_t at, Py_ssize_t end, int depth)
@cython.locals(items=list)
cdef list _read_items(bytes data, Py_ssize_t at, Py_ssize_t end, int depth)
@cython.locals(start=Py_ssize_t, stop=Py_ssize_t)
cpdef tuple read_table(bytes data, Py_ssize_t at)
@cython.locals(kind=int, size=Py_ssize_t, start=Py_ssize_t, stop=Py_ssize_t)
cdef Py_ssize_t _check_value(bytes data, Py_ssize_t at, Py_ssize_t end, int depth) except -1
cdef _check_pairs(bytes data, Py_ssize_t at, Py_ssize_t end, int depth)
cdef _check_items(bytes data, Py_ssize_t at, Py_ssize_t end, int depth)
@cython.locals(start=Py_ssize_t, stop=Py_ssize_t)
cpdef Py_ssize_t check_table(bytes data, Py_ssize_t at) except -1
