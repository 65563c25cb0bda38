cimport cython

from mqbroker.aws.auth.signed_head cimport SignedHead
from mqbroker.aws.auth.signing_keys cimport SigningKey


@cython.final
cdef class Claim:
    cdef public tuple checked_headers
    cdef public str credential
    cdef public str date
    cdef public dict heads
    cdef public object key
    cdef public str key_id
    cdef public frozenset name_set
    cdef public list names
    cdef public str region
    cdef public str scope
    cdef public str service
    cdef public SigningKey signing_key
    cdef public str terminator

    cpdef prove(self, key, SigningKey signing_key)
    cpdef keep(self, tuple place, SignedHead head)
