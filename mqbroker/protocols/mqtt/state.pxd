cimport cython

from mqbroker.core.consumer cimport Window
from mqbroker.core.ledger cimport Ledger
from mqbroker.core.message cimport Entry, Message, is_taken, note_taken
from mqbroker.core.queues.base cimport Queue
from mqbroker.protocols.mqtt.connection_state cimport MqttConnectionState


@cython.final
cdef class MqttSession:
    cdef readonly object registry
    cdef readonly Ledger ledger
    cdef readonly object vhost
    cdef readonly str client_id
    cdef readonly bint is_durable
    cdef readonly bint is_ended
    cdef public str user
    cdef public long long expiry_s
    cdef public long long ends_at
    cdef public object timer
    cdef public MqttConnectionState connection
    cdef readonly object subscriptions
    cdef public dict matches
    cdef public object access
    cdef readonly Window window
    cdef Queue live
    cdef readonly Queue stored
    cdef object stored_consumer
    cdef readonly dict shares
    cdef readonly dict outgoing
    cdef set qos2
    cdef readonly list held
    cdef readonly object backlog
    cdef readonly set incoming
    cdef str incoming_prefix
    cdef public object will
    cdef public long long access_generation

    cpdef match(self, Message message)
    cpdef pass_on(self, Message message)
    cdef take(self, Entry entry)
    @cython.locals(message=Message, qos=int, wanted=int, packet_id=cython.longlong, flags=int)
    cdef _start(self, Entry entry)
    @cython.locals(queue=Queue)
    cdef _spend(self, Entry entry)
    cdef bint _send(self, Entry entry, int packet_id, int flags, object match) except -1
    cpdef acknowledge(self, int packet_id, bint is_accepted, long long now)
    @cython.locals(entry=Entry)
    cpdef complete(self, int packet_id, long long now)
    @cython.locals(entry=Entry, queue=Queue)
    cpdef settle(self, int packet_id, bint is_accepted, long long now)
    cdef _forget(self, int packet_id)
    @cython.locals(entry=Entry)
    cpdef bint release(self, int packet_id) except -1
