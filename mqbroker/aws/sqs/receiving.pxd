cimport cython

from mqbroker.aws.call cimport Call
from mqbroker.aws.sqs.queue cimport SqsQueue
from mqbroker.aws.sqs.service cimport SqsService


cdef class ReceiveActions:
    cdef SqsService _service
    cdef object _room
    cdef object _attempts

    @cython.locals(queue=SqsQueue, entries=list)
    cpdef receive_message(self, Call call)
    @cython.locals(entries=list)
    cdef list _take(self, SqsQueue queue, wanted, long long now)
    cdef _answer(self, Call call, SqsQueue queue, wanted, list entries, long long now)
