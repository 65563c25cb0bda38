cimport cython

from mqbroker.core.message cimport Message, new_message
from mqbroker.core.properties cimport Properties
cimport mqbroker.octets as octets
from mqbroker.core.routing.route cimport Route
from mqbroker.core.routing.router cimport Router
from mqbroker.protocols.amqp1.codec.quick cimport Quick
from mqbroker.protocols.amqp1.links cimport IncomingLink
from mqbroker.protocols.amqp1.session cimport LinkSession


cdef class Publisher(IncomingLink):
    cdef readonly object address
    cdef object also
    cdef readonly Properties properties
    cdef bint is_grouped
    cdef bint is_plain
    cdef bint may_wait
    cdef long long access_generation
    cdef dict routes
    cdef readonly Route route
    cdef bytes prefix
    cdef readonly bytes start
    cdef public object ended_hook

    @cython.locals(
        session=LinkSession, prefix=bytes, route=Route, vhost=Router, now=cython.longlong, length=Py_ssize_t, limit=Py_ssize_t,
        size_max=Py_ssize_t, start=bytes, properties=Properties, size=Py_ssize_t, end=Py_ssize_t, at=Py_ssize_t,
        is_settled=bint, body_at=Py_ssize_t, body=bytes, message=Message, outcome=int,
    )
    cpdef Py_ssize_t take_run(self, bytes data, Py_ssize_t position, Quick quick) except -1


cdef Py_ssize_t _body_at(bytes data, bytes prefix, Py_ssize_t at, Py_ssize_t end) except -1
