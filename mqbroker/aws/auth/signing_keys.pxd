cimport cython

@cython.final
cdef class SigningKey:
    cdef object _inner
    cdef object _outer

    cpdef begin(self, bytes text)
    cpdef str finish(self, inner)


@cython.final
cdef class SigningKeys:
    cdef object _kept

    cpdef SigningKey get(self, key, str date, str region, str service)
    cpdef keep(self, key, str date, str region, str service, SigningKey signing_key)
