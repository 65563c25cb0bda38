cimport cython

from mqbroker.aws.front.call cimport Call
from mqbroker.aws.front.service cimport Action
from mqbroker.protocols.http.messages cimport HttpRequest


@cython.final
cdef class Front:
    cdef list _services
    cdef object _identify
    cdef object _request_id
    cdef object _pages
    cdef object _web
    cdef bint _is_open
    cdef object _trail
    cdef object _failures
    cdef object _refusals
    cdef dict _targets
    cdef dict _actions

    @cython.locals(path=str, query=str)
    cpdef handle(self, HttpRequest request, answer, long long now)
    @cython.locals(request_id=str, headers=dict, target=str)
    cdef _handle_json(self, HttpRequest request, str path, answer, long long now)
    @cython.locals(call=Call)
    cdef _take_body(self, route, HttpRequest request, str path, str wire, parse, str request_id, answer, long long now)
    @cython.locals(action=Action)
    cdef Call _new_call(self, route, HttpRequest request, str path, str wire, bint is_json_wanted, str request_id, answer, long long now)
    cdef _run(self, Call call, handler, parse, source, parser)


@cython.locals(headers=dict)
cdef bint _is_of_program(HttpRequest request) except -1

cdef bint _has_form(dict headers) except -1
