cimport cython

from mqbroker.aws.auth.signing_keys cimport SigningKey


@cython.final
cdef class SignedHead:
    cdef object _canonical
    cdef object _inner
    cdef SigningKey _signing_key

    cpdef str signature(self, str payload_hash)
