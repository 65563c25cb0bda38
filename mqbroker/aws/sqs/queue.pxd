from mqbroker.core.polled_queue cimport PolledQueue


cdef class SqsQueue:
    cdef public object allow_policy
    cdef public object arn
    cdef public dict attributes
    cdef public PolledQueue core
    cdef public long long created_s
    cdef public long long empty_receives
    cdef public bint is_fifo
    cdef public unsigned long long key
    cdef public Py_ssize_t message_bytes_max
    cdef public long long modified_s
    cdef public object policy
    cdef public long long purged_at
    cdef public object redrive
    cdef public dict tags
    cdef public object vhost
    cdef public long long wait_ms
