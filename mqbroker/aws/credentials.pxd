from mqbroker.aws.claim cimport Claim
from mqbroker.aws.sigv4 cimport Verifier


cdef class SignedIdentity:
    cdef Verifier _verifier
    cdef public dict _callers

    cdef _remember(self, tuple place, key)
