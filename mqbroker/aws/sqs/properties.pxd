cimport cython

from mqbroker.core.message cimport Properties

cdef Py_ssize_t _HEAD_BYTES
cdef Py_ssize_t _SENDER_AT


@cython.no_gc
cdef class SqsProperties(Properties):
    cdef tuple _at

    cdef tuple _offsets(self)
    cdef str _part(self, int place)


cpdef SqsProperties make_properties(
    bytes message_id, str sender, str group=*, str deduplication=*, str source=*, str trace=*, bytes attributes=*,
    int receives=*, int code=*,
)
