cimport cython

cimport mqbroker.octets as octets


@cython.final
cdef class RequestIds:
    cdef readonly object take_octets

    cpdef str take(self)


cpdef str uuid_text(bytes id_octets)

cpdef bytes request_id_header(str request_id)
