cimport cython

from mqbroker.aws.call cimport Call
from mqbroker.aws.sqs.queue cimport SqsQueue
from mqbroker.aws.sqs.queues cimport SqsQueues
from mqbroker.core.ledger cimport Ledger


cdef class SqsService:
    cdef public object broker
    cdef public Ledger ledger
    cdef public SqsQueues queues
    cdef public object alarms
    cdef long long _generation
    cdef set _allowed

    @cython.locals(queue=SqsQueue)
    cpdef SqsQueue queue_of(self, Call call)
    cpdef check(self, Call call, SqsQueue queue, str action=*)
    cdef _authorize(self, Call call, SqsQueue queue, str action)
