cimport cython

from mqbroker.core.message cimport Message


@cython.final
cdef class PublishEncoder:
    cdef object _mapping
    cdef dict _topics
    cdef readonly Message message
    cdef readonly bytes topic
    cdef bytes plain3
    cdef bytes plain5
    cdef bint is_plain
    cdef bytes _octets
    cdef bytes _head
    cdef int _head_first
    cdef Py_ssize_t _head_size
    cdef bytes _head_topic

    cpdef load(self, Message message)
    cdef bytes plain(self, int version)
    @cython.locals(message=Message, body=bytes, properties=bytes, size=Py_ssize_t)
    cdef bytes packet(self, int first, bytes topic, bytes packet_id, bytes octets)


cpdef bint is_fresh(Message message) except -1
