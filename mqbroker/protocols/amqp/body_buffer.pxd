cimport cython

cimport mqbroker.octets as octets
from mqbroker.protocols.amqp.body_budget cimport BodyBudget

cdef Py_ssize_t _FACTOR
cdef Py_ssize_t _AT_ONCE


@cython.final
cdef class BodyBuffer:
    cdef readonly Py_ssize_t size
    cdef readonly Py_ssize_t filled
    cdef readonly bytes memory
    cdef BodyBudget budget
    cdef Py_ssize_t charged

    @cython.locals(needed=Py_ssize_t, wanted=Py_ssize_t, memory=bytes)
    cdef reserve(self, Py_ssize_t count)
    cpdef put(self, bytes data, Py_ssize_t start, Py_ssize_t end)
    cdef window(self, Py_ssize_t count)
    cpdef bytes take(self)
    cpdef drop(self)
