cimport cython

@cython.final
cdef class HttpRequest:
    cdef readonly str method
    cdef readonly str target
    cdef readonly dict headers
    cdef readonly bytes body
    cdef readonly object peer
    cdef readonly str base_url


@cython.final
cdef class HttpResponse:
    cdef readonly int status
    cdef readonly bytes content_type
    cdef readonly bytes body
    cdef readonly bytes headers


cdef class Pending:
    cdef public bint is_delivery

    cpdef abandon(self)
    cpdef hurry(self)
