cimport cython

@cython.final
cdef class HttpRequest:
    cdef public str method
    cdef public str target
    cdef public dict headers
    cdef public bytes body
    cdef public object peer
    cdef public str base_url


@cython.final
cdef class HttpResponse:
    cdef public int status
    cdef public bytes content_type
    cdef public bytes body
    cdef public bytes headers


cdef class Pending:
    cdef public bint is_delivery

    cpdef abandon(self)
    cpdef hurry(self)
