cimport cython

from mqbroker.core.properties cimport Properties


@cython.final
cdef class MqttProperties(Properties):
    cdef public int flags
    cdef public int qos
    cdef public bytes octets
    cdef public str origin


cpdef int qos_of(Properties properties) except -1
