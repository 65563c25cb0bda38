from mqbroker.protocols.amqp1.codec.quick cimport Quick


cdef class IncomingLink:
    cdef readonly object session
    cdef readonly str name
    cdef readonly long long handle
    cdef public object is_settled
    cdef readonly long long delivery_count
    cdef readonly long long credit
    cdef public long long credit_max
    cdef public long long message_size_max
    cdef public long long unsettled
    cdef public object partial
    cdef public bint is_changed

    cpdef Py_ssize_t take_run(self, bytes data, Py_ssize_t position, Quick quick) except -1
    cpdef bint wants_credit(self) except -1
