cimport cython

from mqbroker.core.consumer cimport Consumer
from mqbroker.core.message cimport Entry, Message
from mqbroker.core.properties cimport Properties
cimport mqbroker.octets as octets
from mqbroker.protocols.amqp.channel cimport Channel
from mqbroker.protocols.session cimport Session

cdef int _AMQP
cdef Py_ssize_t _HIGH_WATER
cdef Py_ssize_t _LARGE


cdef class AmqpConsumer(Consumer):
    cdef readonly Session session
    cdef public Channel channel
    cdef readonly str tag
    cdef bytes wire_tag
    cdef public long long timeout_ms
    cdef long long room
    cdef readonly str exchange
    cdef readonly str routing_key
    cdef readonly Properties properties
    cdef Properties foreign
    cdef Properties translated
    cdef Py_ssize_t body_size
    cdef readonly bytes address
    cdef bytes content_start
    cdef dict shapes
    cdef bytes head
    cdef bytes tail
    cdef bytes tail_again
    cdef long long tag_high

    @cython.locals(channel=Channel, tag=cython.longlong, message=Message, properties=Properties)
    cpdef deliver(self, Entry entry)
    @cython.locals(properties=Properties)
    cpdef pass_on(self, Message message)
    @cython.locals(
        channel=Channel, tag=cython.longlong, body=bytes, tail=bytes, size=Py_ssize_t, session=Session
    )
    cpdef put(self, Message message, Properties properties, bint is_redelivered)
    @cython.locals(session=Session)
    cpdef put_pieces(self, bytes start, bytes body)
    cpdef Properties native(self, Properties properties)
    cpdef readdress(self, Message message)
    @cython.locals(known=tuple, start=bytes)
    cpdef reshape(self, Properties properties, Py_ssize_t size)
    @cython.locals(tail=bytes)
    cpdef join_tail(self)
    cpdef renumber(self, long long tag)
