cimport cython

cimport mqbroker.octets as octets
from mqbroker.aws.auth.digests cimport md5_hex
from mqbroker.core.properties cimport Properties

cdef Py_ssize_t _HEAD_BYTES
cdef Py_ssize_t _SENDER_AT


cdef class SqsProperties(Properties):
    cdef tuple _at

    cpdef tuple _offsets(self)
    cdef str _part(self, Py_ssize_t place)
    cpdef str shown(self, bytes body)
    @cython.locals(text=str, shown=bytes)
    cpdef dict received(self, bytes body, str handle)


@cython.locals(rest=bytes)
cpdef SqsProperties make_properties(
    bytes message_id, str sender, str group=*, str deduplication=*, str source=*, str trace=*, bytes attributes=*,
    long long receives=*, int code=*
)
