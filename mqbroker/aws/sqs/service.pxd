cimport cython

from mqbroker.aws.front.call cimport Call


cdef class SqsService:
    cdef readonly object broker
    cdef readonly object ledger
    cdef readonly object queues
    cdef readonly object alarms
    cdef long long _generation
    cdef dict _allowed

    cpdef queue_of(self, Call call)
    @cython.locals(question=tuple, generation=cython.longlong)
    cpdef check(self, Call call, queue, str action=*)
    cdef _authorize(self, Call call, queue, str action)
