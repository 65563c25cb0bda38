from mqbroker.aws.signing_keys cimport SigningKey


cdef class SignedHead:
    cdef object _canonical
    cdef object _inner
    cdef str _method
    cdef str _path
    cdef SigningKey _signing_key
    cdef str _timestamp
    cdef list _values

    cpdef bint is_of(self, str method, str path, list values, str timestamp, SigningKey signing_key) except -1
    cpdef str signature(self, str payload_hash)
