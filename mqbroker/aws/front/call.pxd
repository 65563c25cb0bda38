from mqbroker.aws.front.service cimport Action
from mqbroker.core.ledger cimport Ledger
from mqbroker.protocols.http.messages cimport Pending


cdef class Call(Pending):
    cdef object _answer
    cdef bint _is_json_wanted
    cdef object _report
    cdef object _result
    cdef readonly Action action
    cdef readonly str base_url
    cdef readonly object caller
    cdef readonly object headers
    cdef readonly bint is_answered
    cdef public long long now
    cdef public object on_abandoned
    cdef object on_answered
    cdef public object on_hurry
    cdef readonly dict parameters
    cdef readonly str path
    cdef readonly str request_id
    cdef readonly str wire

    cpdef answer(self, result)
    cpdef answer_when_safe(self, Ledger ledger, result=*)
    cdef _answer_safe(self)
    cdef _result_response(self, result)
    cpdef refuse(self, error)
    cpdef fail(self)
    cpdef abandon(self)
    cpdef hurry(self)
