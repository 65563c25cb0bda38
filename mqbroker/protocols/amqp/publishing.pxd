cimport cython

cimport mqbroker.octets as octets
from mqbroker.protocols.amqp.channel cimport Channel
from mqbroker.protocols.amqp.properties cimport BasicProperties


@cython.locals(properties=BasicProperties)
cpdef begin_content(connection, Channel channel, bytes frame)
cpdef take_size(connection, Channel channel, unsigned long long size)
@cython.locals(raw=bytes)
cdef bint _is_special(BasicProperties properties) except -1
