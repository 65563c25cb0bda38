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
    cdef public object address
    cdef public object also
    cdef public Properties properties
    cdef public bint is_plain
    cdef public bint may_wait
    cdef public long long access_generation
    cdef public dict routes
    cdef public Route route
    cdef public bytes prefix
    cdef public bytes start
    cdef public object ended_hook

    @cython.locals(
        session=LinkSession, prefix=bytes, route=Route, vhost=Router, now=cython.longlong, length=Py_ssize_t, limit=Py_ssize_t,
        size_max=Py_ssize_t, start=bytes, properties=Properties, size=Py_ssize_t, end=Py_ssize_t, at=Py_ssize_t,
        is_settled=bint, body_at=Py_ssize_t, body=bytes, message=Message, outcome=int,
    )
    cpdef Py_ssize_t take_run(self, bytes data, Py_ssize_t position, Quick quick) except -1


cdef Py_ssize_t _body_at(bytes data, bytes prefix, Py_ssize_t at, Py_ssize_t end) except -1
