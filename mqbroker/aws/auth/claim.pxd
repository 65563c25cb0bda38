cimport cython

from mqbroker.aws.auth.signed_head cimport SignedHead
from mqbroker.aws.auth.signing_keys cimport SigningKey


@cython.final
cdef class Claim:
    cdef tuple checked_headers
    cdef str credential
    cdef str date
    cdef readonly dict heads
    cdef readonly object key
    cdef str key_id
    cdef frozenset name_set
    cdef readonly list names
    cdef readonly str region
    cdef str scope
    cdef readonly str service
    cdef SigningKey signing_key
    cdef str terminator

    cdef prove(self, key, SigningKey signing_key)
    cdef keep(self, tuple place, SignedHead head)
