cimport cython

from mqbroker.core.consumer cimport Consumer
from mqbroker.core.message cimport Entry, Message, Properties
from mqbroker.protocols.amqp.channel cimport Channel
from mqbroker.protocols.session cimport Session


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
    cdef public Py_ssize_t body_size
    cdef public bytes address
    cdef public bytes content_start
    cdef public bytes head
    cdef public bytes tail
    cdef public long long tag_high
    cdef public Py_ssize_t overhead

    @cython.locals(
        channel=Channel, tag=cython.longlong, message=Message, body=bytes, size=Py_ssize_t, properties=Properties,
        session=Session, out=list,
    )
    cpdef deliver(self, Entry entry)
    cpdef readdress(self, Message message)
    cpdef reshape(self, Properties properties, Py_ssize_t size)
    cpdef renumber(self, long long tag)
