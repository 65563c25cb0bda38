cimport cython

from mqbroker.core.message cimport Entry, Message, Properties, new_message
from mqbroker.core.queues.base cimport Queue
from mqbroker.core.routing.router cimport Router
from mqbroker.core.scheduler cimport Task

cdef int _AT_ONCE


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


cdef class Burials(Task):
    cdef public Router _cemetery
    cdef public object _dead
    cdef public bint _is_busy
    cdef public dict _plans
    cdef public long long _generation

    cpdef bury(self, Queue queue, Entry entry, str reason, long long now)
    @cython.locals(queue=Queue, entry=Entry)
    cpdef bint run(self, long long now, long long portion) except -1
    cpdef _bury(self, Queue queue, Entry entry, str reason, long long now)
    @cython.locals(plan=Plan)
    cpdef _send(self, Queue queue, Message message, str reason, long long now)
    @cython.locals(plan=Plan)
    cpdef Plan _plan(self, Queue queue, Message message, str reason, long long now)
