cimport cython

from mqbroker.aws.front.json_wire cimport result_body
from mqbroker.aws.front.request_ids cimport request_id_header


@cython.final
cdef class Action:
    cdef readonly object service
    cdef public str name
    cdef readonly bint has_output
    cdef readonly object parse_json
    cdef readonly object parse_query
    cdef readonly object answer_query
    cdef readonly object answer_query_in_json
    cdef public str path_member
    cdef readonly bint takes_path
    cdef public bint is_audited
    cdef readonly bint is_data
    cdef readonly bint is_open
    cdef object _json_times
    cdef object _cbor_times

    cpdef answer_json(self, result, str request_id)
