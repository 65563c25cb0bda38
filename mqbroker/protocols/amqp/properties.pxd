cimport cython

from mqbroker.core.properties cimport Properties
from mqbroker.protocols.amqp.tables cimport check_table


@cython.final
cdef class BasicProperties(Properties):
    cdef Py_ssize_t _headers_at
    cdef readonly int delivery_mode
    cdef readonly int flags

    @cython.locals(flags=int, at=Py_ssize_t)
    cdef Py_ssize_t _scan(self, bytes raw) except -1
    @cython.locals(start=Py_ssize_t)
    cdef Py_ssize_t _scan_rest(self, bytes raw, Py_ssize_t at, int flags) except -1
    cdef _take_delivery_mode(self, int mode)


@cython.final
cdef class RecentProperties:
    cdef dict _known

    @cython.locals(found=BasicProperties)
    cpdef BasicProperties of(self, bytes raw)


@cython.locals(at=Py_ssize_t, word=int)
cdef Py_ssize_t _end_of_flags(bytes raw) except -1
cdef Py_ssize_t _end_of_property(bytes raw, Py_ssize_t at, int flag) except -1
