cdef class Needs:
    cdef public list batches
    cdef public list required

    cpdef complete(self, dict value)
