cimport cython

from mqbroker.aws.front.json_wire cimport result_body
from mqbroker.aws.front.request_ids cimport request_id_header


@cython.final
cdef class Action:
    cdef public object service
    cdef public str name
    cdef public bint has_output
    cdef public object parse_json
    cdef public object parse_query
    cdef public object answer_query
    cdef public object answer_query_in_json
    cdef public str path_member
    cdef public bint takes_path
    cdef public bint is_audited
    cdef public bint is_data
    cdef public bint is_open
    cdef object _json_times
    cdef object _cbor_times

    cpdef answer_json(self, result, str request_id)
