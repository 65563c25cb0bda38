cimport cython

@cython.final
cdef class BodyBudget:
    cdef public long long limit
    cdef public BodyBudget of_all
    cdef public long long taken

    cpdef take(self, long long count)
    cpdef give_back(self, long long count)
