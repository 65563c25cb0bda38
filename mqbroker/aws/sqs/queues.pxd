cimport cython

from mqbroker.aws.sqs.queue cimport SqsQueue


cdef class SqsQueues:
    cdef public str region
    cdef public object clear_text
    cdef object _broker
    cdef object _accounts
    cdef public bint is_strict
    cdef dict _by_arn
    cdef dict _by_url
    cdef dict _deleted_at

    @cython.locals(queue=SqsQueue, question=tuple)
    cpdef SqsQueue at_url(self, str url, str account, str region)
