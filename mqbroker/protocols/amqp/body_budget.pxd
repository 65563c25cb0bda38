cimport cython

@cython.final
cdef class BodyBudget:
    cdef public long long limit
    cdef BodyBudget of_all
    cdef readonly long long taken

    cdef take(self, long long count)
    cdef give_back(self, long long count)
