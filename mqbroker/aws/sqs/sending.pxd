cimport cython

cimport mqbroker.octets as octets
from mqbroker.aws.auth.digests cimport md5_hex
from mqbroker.aws.front.call cimport Call
from mqbroker.aws.sqs.service cimport SqsService
from mqbroker.aws.sqs.properties cimport make_properties
from mqbroker.core.message cimport Entry, Message, new_message
from mqbroker.core.queues.polled.queue cimport PolledQueue

cdef Py_ssize_t _PLAIN_MEMBERS


@cython.final
cdef class Outgoing:
    cdef readonly bytes attributes
    cdef readonly bytes body
    cdef str deduplication
    cdef readonly long long delay_ms
    cdef readonly str group
    cdef public bytes octets
    cdef bytes system_attributes
    cdef str trace


@cython.locals(text=str, body=bytes, outgoing=Outgoing)
cpdef Outgoing check_outgoing(queue, dict given)

cdef _take_options(Outgoing outgoing, queue, dict given)

cpdef Py_ssize_t size_of(str text, attributes) except -1

@cython.locals(text=str)
cdef str _trace_of(Call call)


@cython.final
cdef class SendActions:
    cdef SqsService _service
    cdef object _new_id

    cpdef send_message(self, Call call)
    cdef _open(self, Call call)
    cdef dict _send_entry(self, queue, Call call, dict entry)
    @cython.locals(outgoing=Outgoing, new_id=bytes, body=bytes, core=PolledQueue, message=Message, sent=Entry, result=dict)
    cdef dict _send(self, queue, Call call, dict given)
