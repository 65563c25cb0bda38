cimport cython

from mqbroker.aws.call cimport Call
from mqbroker.aws.sqs.queue cimport SqsQueue
from mqbroker.aws.sqs.service cimport SqsService
from mqbroker.core.message cimport Entry, Message, new_message


@cython.final
cdef class Outgoing:
    cdef public bytes attributes
    cdef public bytes body
    cdef public str deduplication
    cdef public long long delay_ms
    cdef public str group
    cdef public bytes octets
    cdef public bytes system_attributes
    cdef public str trace


@cython.locals(text=str, outgoing=Outgoing)
cdef Outgoing check_outgoing(SqsQueue queue, dict given)
@cython.locals(trace=tuple)
cdef _take_options(Outgoing outgoing, SqsQueue queue, dict given)
cpdef Py_ssize_t size_of(str text, attributes) except -1
cdef str _trace_of(Call call)


cdef class SendActions:
    cdef SqsService _service
    cdef object _new_id

    @cython.locals(queue=SqsQueue)
    cpdef send_message(self, Call call)
    cdef SqsQueue _open(self, Call call)
    cdef _send_entry(self, SqsQueue queue, Call call, dict entry)
    @cython.locals(outgoing=Outgoing, octets=bytes, message=Message, sent=Entry)
    cdef dict _send(self, SqsQueue queue, Call call, dict given)
