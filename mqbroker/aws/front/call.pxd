from mqbroker.aws.front.service cimport Action
from mqbroker.core.ledger cimport Ledger
from mqbroker.protocols.http.messages cimport Pending


cdef class Call(Pending):
    cdef object _answer
    cdef bint _is_json_wanted
    cdef object _report
    cdef object _result
    cdef public Action action
    cdef public str base_url
    cdef public object caller
    cdef public object headers
    cdef public bint is_answered
    cdef public long long now
    cdef public object on_abandoned
    cdef public object on_answered
    cdef public object on_hurry
    cdef public dict parameters
    cdef public str path
    cdef public str request_id
    cdef public str wire

    cpdef answer(self, result)
    cpdef answer_when_safe(self, Ledger ledger, result=*)
    cpdef _answer_safe(self)
    cdef _result_response(self, result)
    cpdef refuse(self, error)
    cpdef fail(self)
    cpdef abandon(self)
    cpdef hurry(self)
