cimport cython

from mqbroker.core.message cimport Entry, Message, new_message
from mqbroker.core.properties cimport Properties
from mqbroker.core.queues.classic cimport ClassicQueue
from mqbroker.core.routing.router cimport Router
from mqbroker.core.scheduler cimport Task

cdef int _AT_ONCE


@cython.final
cdef class Plan:
    cdef public Properties properties
    cdef public str exchange
    cdef public str key
    cdef public str reason
    cdef public long long second
    cdef public str letter_exchange
    cdef public str letter_key
    cdef public Properties letter_properties
    cdef public object targets

    cpdef bint fits(self, Message message, str reason, long long now) except -1
    cpdef Message letter(self, Message message, long long now)


cdef class DeadLetters(Task):
    cdef public Router _router
    cdef public object _history
    cdef public object _dead
    cdef public bint _is_busy
    cdef public dict _plans
    cdef public long long _generation

    cpdef take(self, ClassicQueue queue, Entry entry, str reason, long long now)
    @cython.locals(queue=ClassicQueue, entry=Entry)
    cpdef bint run(self, long long now, long long portion) except -1
    cpdef _settle(self, ClassicQueue queue, Entry entry, str reason, long long now)
    @cython.locals(plan=Plan)
    cpdef _send(self, ClassicQueue queue, Message message, str reason, long long now)
    @cython.locals(plan=Plan)
    cpdef Plan _plan(self, ClassicQueue queue, Message message, str reason, long long now)
