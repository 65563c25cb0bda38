cimport cython

from mqbroker.protocols.http.headers cimport HeaderReader
from mqbroker.protocols.http.messages cimport HttpRequest, HttpResponse, Pending
from mqbroker.protocols.session cimport Session


cdef int _IDLE
cdef int _HEAD
cdef int _BODY
cdef long long _HEAD_MS
cdef long long _REQUEST_MS
cdef long long _IDLE_MS
cdef long long _HEAD_BYTES
cdef long long _BODY_BYTES
cdef long long _BODIES_BYTES
cdef Py_ssize_t _PIPELINE
cdef Py_ssize_t _SLICE_BYTES


@cython.final
cdef class Endpoint:
    cdef public object handle
    cdef public long long bodies_bytes
    cdef object refusals
    cdef object _outbox
    cdef object _clock
    cdef long long _date_second
    cdef bytes _date_line

    @cython.locals(second="long long")
    cdef bytes date_line(self)


@cython.final
cdef class Exchange:
    cdef readonly HttpSession session
    cdef bint is_head
    cdef bint is_last
    cdef bint is_old
    cdef readonly HttpResponse response
    cdef readonly Pending call


@cython.final
cdef class HttpSession(Session):
    cdef readonly object exchanges
    cdef readonly object on_header
    cdef str _base_url
    cdef list _body
    cdef long long _body_bytes
    cdef object _complete
    cdef Endpoint _endpoint
    cdef long long _fed
    cdef HeaderReader _head
    cdef dict _headers
    cdef bytes _held
    cdef str _host
    cdef bint _is_continue_wanted
    cdef bint _is_ending
    cdef bint _is_finished
    cdef bint _is_full
    cdef bint _is_last
    cdef bint _is_old
    cdef bint _is_stopping
    cdef str _method
    cdef long long _now
    cdef object _parser
    cdef object _peer
    cdef long long _request_deadline
    cdef int _state
    cdef bytes _url
    cdef object _violation

    @cython.locals(exchange=Exchange, response=HttpResponse)
    cdef write_answers(self)
    cdef _resume(self)
    cdef _set_deadline(self)
    @cython.locals(start=Py_ssize_t)
    cdef _feed(self, bytes data)
    cdef _parse(self, bytes data)
    @cython.locals(exchange=Exchange, request=HttpRequest, call=Pending)
    cdef bint _handle_complete(self) except -1
    cdef _refuse(self, violation)
    cdef _turn_away(self)
    cdef bint _is_older(self) except -1
    cdef _check_head_size(self)
    cdef _check_host(self, host)
    @cython.locals(headers=dict, coding=str, expectation=str)
    cdef _check_body(self)
    cdef _drop_body(self)
    cdef _stop(self, reason, text)
    cdef _send_continue(self)
    cdef _write(self, Exchange exchange, HttpResponse response, bint is_last)
    cdef _end(self)
    cdef _cut_exchanges(self)
