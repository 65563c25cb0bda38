cimport cython

from mqbroker.core.message cimport Message


@cython.final
cdef class PublishEncoder:
    cdef public object _mapping
    cdef public dict _topics
    cdef public Message message
    cdef public bytes topic
    cdef public bytes plain3
    cdef public bytes plain5
    cdef public bint is_plain
    cdef public bytes _octets
    cdef public bytes _head
    cdef public int _head_first
    cdef public Py_ssize_t _head_size
    cdef public bytes _head_topic

    cpdef load(self, Message message)
    cpdef bytes plain(self, int version)
    @cython.locals(message=Message, body=bytes, properties=bytes, size=Py_ssize_t)
    cpdef bytes packet(self, int first, bytes topic, bytes packet_id, bytes octets)


cpdef bint is_fresh(Message message) except -1
