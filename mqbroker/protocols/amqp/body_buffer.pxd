cimport cython

cimport mqbroker.octets as octets
from mqbroker.protocols.amqp.body_budget cimport BodyBudget

cdef Py_ssize_t _FACTOR
cdef Py_ssize_t _AT_ONCE


@cython.final
cdef class BodyBuffer:
    cdef public Py_ssize_t size
    cdef public Py_ssize_t filled
    cdef public bytes memory
    cdef public BodyBudget budget
    cdef public Py_ssize_t charged

    @cython.locals(needed=Py_ssize_t, wanted=Py_ssize_t, memory=bytes)
    cpdef reserve(self, Py_ssize_t count)
    cpdef put(self, bytes data, Py_ssize_t start, Py_ssize_t end)
    cpdef window(self, Py_ssize_t count)
    cpdef bytes take(self)
    cpdef drop(self)
