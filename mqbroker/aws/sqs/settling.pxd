cimport cython

from mqbroker.aws.call cimport Call
from mqbroker.aws.sqs.queue cimport SqsQueue
from mqbroker.aws.sqs.service cimport SqsService
from mqbroker.core.message cimport Entry

cdef _receipt(SqsQueue queue, str handle)
cdef bint _is_current(SqsQueue queue, Entry entry, receipt) except -1


cdef class SettleActions:
    cdef SqsService _service

    @cython.locals(queue=SqsQueue)
    cpdef delete_message(self, Call call)
    @cython.locals(entry=Entry)
    cdef bint _delete(self, SqsQueue queue, str handle, long long now) except -1
