cimport cython

from mqbroker.core.consumer cimport Consumer
from mqbroker.core.message cimport Entry, Message
from mqbroker.core.queues.base cimport Queue
from mqbroker.core.queues.classic cimport ClassicQueue


cdef class Losses:
    cdef readonly long long count


cdef class SubscriberQueue(ClassicQueue):
    cdef public bint keeps_transient
    cdef readonly long long dropped
    cdef public Losses losses
    cdef public bint is_reported
    cdef public object forerunner

    cpdef int publish(self, Message message, long long now) except -1
    cpdef discard(self, Entry entry, str reason, long long now)
    cpdef lose(self)


cdef class LiveQueue(Queue):
    cdef public object forerunner
    cdef public Consumer subscriber

    cpdef int publish(self, Message message, long long now) except -1


cdef class SharedQueue(SubscriberQueue):
    cdef public bint is_sticky
    cdef bint is_long
    cdef public object watcher

    cpdef int publish(self, Message message, long long now) except -1
    cpdef Entry pop(self)
    @cython.locals(lanes=list)
    cpdef list detach(self)
    cpdef look_again(self)
    cpdef Consumer next_consumer(self)
