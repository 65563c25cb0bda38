cimport cython

from mqbroker.core.consumer cimport Consumer
from mqbroker.core.message cimport Entry, Message
from mqbroker.protocols.mqtt.connection_state cimport MqttConnectionState
from mqbroker.protocols.mqtt.state cimport MqttSession


cdef class LiveConsumer(Consumer):
    cdef public object access
    cdef public MqttConnectionState connection
    cdef public dict matches
    cdef public MqttSession session

    cpdef pass_on(self, Message message)


cdef class StoredConsumer(Consumer):
    cdef public MqttSession session

    cpdef deliver(self, Entry entry)
    @cython.locals(count=Py_ssize_t)
    cpdef Py_ssize_t take_turn(self, Py_ssize_t portion, long long now) except -1


cdef class SharedConsumer(Consumer):
    cdef public MqttSession session
    cdef public object subscription
    cdef public set returned

    cpdef deliver(self, Entry entry)
