cimport cython

from mqbroker.core.message cimport Message, new_message
from mqbroker.core.properties cimport Properties
from mqbroker.core.routing.route cimport Route
from mqbroker.core.routing.router cimport Router
from mqbroker.protocols.mqtt.connection_state cimport MqttConnectionState
from mqbroker.protocols.mqtt.counters cimport Counters
from mqbroker.protocols.session cimport Session


cdef class MqttConnection(MqttConnectionState):
    cpdef process(self, bytes data)
    @cython.locals(
        length=Py_ssize_t, position=Py_ssize_t, at=Py_ssize_t, size=Py_ssize_t, end=Py_ssize_t, first=int,
    )
    cpdef scan(self, bytes data)
    @cython.locals(
        qos=int, body_at=Py_ssize_t, packet_id_at=Py_ssize_t, packet_id=int, topic=bytes, properties=Properties,
        route=Route, message=Message, outcome=int, counters=Counters,
    )
    cpdef take_publish(self, int first, bytes data, Py_ssize_t at, Py_ssize_t end)
    cpdef take_puback(self, int packet_id)
    cpdef take_step(self, int first, int packet_id)
    cpdef bytearray take_output(self)
    cpdef list take_lent(self)
