from mqbroker.protocols.session cimport Session


cdef class StompWire(Session):
    cdef public str name
    cdef public str topic_exchange
    cdef public bint is_jms
    cdef public str client_id
    cdef public str version
    cdef public str session_id
    cdef public long long next_number
