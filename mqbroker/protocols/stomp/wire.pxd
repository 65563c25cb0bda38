from mqbroker.protocols.session cimport Session


cdef class StompWire(Session):
    cdef readonly str name
    cdef str topic_exchange
    cdef readonly bint is_jms
    cdef public str client_id
    cdef public str version
    cdef public str session_id
    cdef readonly long long next_number
