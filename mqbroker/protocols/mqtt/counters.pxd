cimport cython


@cython.final
cdef class Counters:
    cdef readonly long long bytes_received
    cdef readonly long long bytes_sent
    cdef public long long clients_connected
    cdef public long long clients_connected_max
    cdef public long long connects_received
    cdef public long long dropped
    cdef public long long others_sent
    cdef readonly long long packets_received
    cdef readonly long long publish_bytes_received
    cdef readonly long long publish_bytes_sent
    cdef readonly long long publishes_received
    cdef readonly long long publishes_received_qos1
    cdef readonly long long publishes_received_qos2
    cdef readonly long long publishes_sent
    cdef public long long publishes_sent_qos1
    cdef public long long publishes_sent_qos2
    cdef public long long sessions_expired
    cdef public long long shared_subscriptions
    cdef readonly long long sockets_opened
    cdef public long long subscriptions
    cdef public long long system_subscriptions
