cimport cython

from mqbroker.core.consumer cimport Window
from mqbroker.core.ledger cimport Ledger
from mqbroker.core.message cimport Entry, Message, is_taken, note_taken
from mqbroker.core.queues.base cimport Queue
from mqbroker.protocols.mqtt.connection_state cimport MqttConnectionState


@cython.final
cdef class MqttSession:
    cdef public object registry
    cdef public Ledger ledger
    cdef public object vhost
    cdef public str client_id
    cdef public bint is_durable
    cdef public bint is_ended
    cdef public str user
    cdef public long long expiry_s
    cdef public long long ends_at
    cdef public object timer
    cdef public MqttConnectionState connection
    cdef public object subscriptions
    cdef public dict matches
    cdef public object access
    cdef public Window window
    cdef public Queue live
    cdef public Queue stored
    cdef public object stored_consumer
    cdef public dict shares
    cdef public dict outgoing
    cdef public set qos2
    cdef public list held
    cdef public object backlog
    cdef public set incoming
    cdef public str incoming_prefix
    cdef public object will
    cdef public long long access_generation

    cpdef match(self, Message message)
    cpdef pass_on(self, Message message)
    cpdef take(self, Entry entry)
    @cython.locals(message=Message, qos=int, wanted=int, packet_id=cython.longlong, flags=int)
    cpdef _start(self, Entry entry)
    @cython.locals(queue=Queue)
    cpdef _spend(self, Entry entry)
    cpdef bint _send(self, Entry entry, int packet_id, int flags, object match) except -1
    cpdef acknowledge(self, int packet_id, bint is_accepted, long long now)
    @cython.locals(entry=Entry)
    cpdef complete(self, int packet_id, long long now)
    @cython.locals(entry=Entry, queue=Queue)
    cpdef settle(self, int packet_id, bint is_accepted, long long now)
    cpdef _forget(self, int packet_id)
    @cython.locals(entry=Entry)
    cpdef bint release(self, int packet_id) except -1
