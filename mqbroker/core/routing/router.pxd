cimport cython

from mqbroker.core.message cimport Message
from mqbroker.core.queues.base cimport Queue
from mqbroker.core.routing.route cimport Route
from mqbroker.core.stats cimport Flow


cdef class Router:
    cdef public long long generation
    cdef list _fanouts

    cpdef refresh(self, Route route)
    cpdef int publish_by_content(self, str exchange_name, list keys, Message message, long long now) except -1
    @cython.locals(queues=list, queue=Queue, flow=Flow)
    cpdef int publish(self, Route route, Message message, long long now) except -1


@cython.locals(queue=Queue, outcome=int)
cpdef int publish_to(object queues, Message message, long long now) except -1
