cdef class Call:
    cdef public object _answer
    cdef public bint _is_json_wanted
    cdef public object _report
    cdef public object action
    cdef public str base_url
    cdef public object caller
    cdef public bint is_answered
    cdef public long long now
    cdef public object on_abandoned
    cdef public object on_hurry
    cdef public object parameters
    cdef public str path
    cdef public str request_id
    cdef public object trace
    cdef public str wire
