cimport mqbroker.octets as octets

cdef long long _NONE
cdef long long _UNUSUAL


cdef class Quick:
    cdef Py_ssize_t _at
    cdef Py_ssize_t _stop
    cdef public long long handle
    cdef public long long delivery_id
    cdef public long long settled
    cdef public bint has_more
    cdef public long long first
    cdef public long long last

    cpdef Py_ssize_t read_transfer(self, bytes data, Py_ssize_t at, Py_ssize_t end) except -1
    cpdef bint read_acceptance(self, bytes data, Py_ssize_t at, Py_ssize_t end) except -1
    cdef long long begin_list(self, bytes data, Py_ssize_t at, Py_ssize_t end) except -9
    cdef long long read_uint(self, bytes data, Py_ssize_t end) except -9
    cdef long long read_bool(self, bytes data, Py_ssize_t end) except -9
    cdef bint skip_tag(self, bytes data, Py_ssize_t end) except -1
    cdef bint has_only_nulls(self, bytes data, Py_ssize_t end, long long count) except -1
