cimport cython

from mqbroker.core.properties cimport Properties


@cython.final
cdef class MqttProperties(Properties):
    cdef readonly int flags
    cdef readonly int qos
    cdef public bytes octets
    cdef readonly str origin


cpdef int qos_of(Properties properties) except -1
