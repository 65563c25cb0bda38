cimport cython

from mqbroker.core.consumer cimport Consumer
from mqbroker.core.message cimport Entry, Message, new_message
from mqbroker.core.properties cimport Properties
from mqbroker.core.queues.base cimport Queue
from mqbroker.core.routing.route cimport Route
from mqbroker.core.routing.router cimport Router
cimport mqbroker.octets as octets
from mqbroker.protocols.amqp.channel cimport Channel
from mqbroker.protocols.amqp.body_buffer cimport BodyBuffer
from mqbroker.protocols.amqp.state cimport ConnectionState

cdef int _PUBLISH
cdef int _ACK
cdef int _OPEN
cdef int _METHOD
cdef int _HEADER
cdef int _BODY
cdef int _REJECTED
cdef int _UNROUTED
cdef int _SETTLED
cdef long long _LARGE


@cython.final
cdef class AmqpConnection(ConnectionState):
    cpdef process(self, bytes data)
    @cython.locals(
        length=Py_ssize_t, position=Py_ssize_t, limit=cython.longlong, hot=int, channel=Channel, size=cython.longlong,
        end=Py_ssize_t, kind=int, number=int, index=int, frame=bytes, tag=cython.ulonglong,
    )
    cdef scan(self, bytes data)
    @cython.locals(length=Py_ssize_t, express=bytes, start=Py_ssize_t, end=Py_ssize_t)
    cdef Py_ssize_t publish_more(self, Channel channel, bytes data, Py_ssize_t position) except -1
    cdef bint begin_publish(self, Channel channel, bytes frame) except -1
    cpdef begin_content(self, Channel channel, bytes frame)
    @cython.locals(buffer=BodyBuffer)
    cdef collect(self, Channel channel, bytes data, Py_ssize_t start, Py_ssize_t end)
    cpdef complete(self, Channel channel, BodyBuffer buffer)
    @cython.locals(route=Route, message=Message, outcome=int)
    cpdef publish(self, Channel channel, bytes body)
    @cython.locals(tag=cython.longlong)
    cpdef published(self, Channel channel, Message message, int outcome, bint mandatory)
    @cython.locals(entry=Entry, consumer=Consumer, queue=Queue)
    cpdef acknowledge(self, Channel channel, unsigned long long tag, bint multiple)
