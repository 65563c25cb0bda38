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
    cdef public Session session
    cdef public Channel channel
    cdef public str tag
    cdef public bytes wire_tag
    cdef public long long timeout_ms
    cdef public long long room
    cdef public str exchange
    cdef public str routing_key
    cdef public Properties properties
    cdef public Properties foreign
    cdef public Properties translated
    cdef public Py_ssize_t body_size
    cdef public bytes address
    cdef public bytes content_start
    cdef public dict shapes
    cdef public bytes head
    cdef public bytes tail
    cdef public bytes tail_again
    cdef public long long tag_high

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
