cimport cython

from mqbroker.core.message cimport Entry, Message, new_message
from mqbroker.core.properties cimport Properties
from mqbroker.core.queues.classic cimport ClassicQueue
from mqbroker.core.routing.router cimport Router
from mqbroker.core.scheduler cimport Task

cdef int _AT_ONCE


@cython.final
cdef class Plan:
    cdef readonly Properties properties
    cdef readonly str exchange
    cdef readonly str key
    cdef readonly str reason
    cdef long long second
    cdef str letter_exchange
    cdef str letter_key
    cdef Properties letter_properties
    cdef readonly object targets
    cdef readonly long long sent

    cdef bint fits(self, Message message, str reason, long long now) except -1
    cdef Message letter(self, Message message, long long now)


cdef class DeadLetters(Task):
    cdef Router _router
    cdef object _history
    cdef object _dead
    cdef bint _is_busy
    cdef dict _plans
    cdef long long _generation
    cdef object _by_reason

    cpdef take(self, ClassicQueue queue, Entry entry, str reason, long long now)
    @cython.locals(queue=ClassicQueue, entry=Entry)
    cpdef bint run(self, long long now, long long portion) except -1
    cdef _settle(self, ClassicQueue queue, Entry entry, str reason, long long now)
    @cython.locals(plan=Plan)
    cdef _send(self, ClassicQueue queue, Message message, str reason, long long now)
    @cython.locals(plan=Plan)
    cdef Plan _plan(self, ClassicQueue queue, Message message, str reason, long long now)
