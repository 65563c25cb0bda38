cimport cython

from mqbroker.protocols.amqp.channel cimport Arrival, Channel
from mqbroker.protocols.amqp.body_buffer cimport BodyBuffer

cdef int _ENVELOPE_BYTES


@cython.locals(channel=Channel, buffer=BodyBuffer, start=Py_ssize_t, there=Py_ssize_t)
cpdef bint begin(connection, bytes data, Py_ssize_t position, Py_ssize_t size) except -1

@cython.locals(arrival=Arrival)
cpdef filled(connection, Py_ssize_t count)

@cython.locals(channel=Channel)
cdef _proceed(connection, Arrival arrival, Py_ssize_t count)
