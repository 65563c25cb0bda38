cimport cython

from mqbroker.aws.sqs.queue cimport SqsQueue
from mqbroker.core.message cimport Entry, Message


cdef class ShownMessage:
    cdef bytes _attributes
    cdef str _body
    cdef Entry _entry
    cdef SqsQueue _queue

    @cython.locals(entry=Entry)
    cpdef dict shown(self, system_names, attribute_names, long long now)
    cdef _add_attributes(self, dict found, names)


cpdef str message_id(SqsQueue queue, Entry entry)
cdef str _text_of(bytes content)
