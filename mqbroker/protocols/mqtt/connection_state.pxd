cimport cython

from mqbroker.core.ledger cimport Ledger
from mqbroker.core.message cimport Message
from mqbroker.core.routing.router cimport Router
from mqbroker.protocols.mqtt.counters cimport Counters
from mqbroker.protocols.mqtt.output cimport PublishEncoder
from mqbroker.protocols.session cimport Session


cdef class MqttConnectionState(Session):
    cdef readonly object registry
    cdef readonly Ledger ledger
    cdef readonly PublishEncoder encoder
    cdef readonly Counters counters
    cdef readonly object peer
    cdef public str name
    cdef public int state
    cdef public long long now
    cdef public long long received_at
    cdef readonly Py_ssize_t position
    cdef readonly list parts
    cdef readonly Py_ssize_t parts_bytes
    cdef Py_ssize_t needed
    cdef public long long size_limit
    cdef readonly int qos_max
    cdef readonly long long message_size_max
    cdef public int version
    cdef public bint is_bridge
    cdef public str client_id
    cdef public str user
    cdef public Router vhost
    cdef public object session
    cdef public set incoming
    cdef public object connect
    cdef public object auth
    cdef public long long keep_alive_ms
    cdef public long long packet_size_max
    cdef public bint problem_information
    cdef public object delayed
    cdef readonly list held
    cdef public Py_ssize_t held_bytes
    cdef readonly set held_by
    cdef public bytes last_words
    cdef public int alias_max_out
    cdef public dict aliases_in
    cdef dict aliases_out
    cdef list plain
    cdef public object properties
    cdef readonly dict routes
    cdef long long access_generation
    cdef readonly list acks
    cdef readonly list owed
    cdef public long long unacked
    cdef public long long unacked_now
    cdef public long long publishes
    cdef public long long rate_window
    cdef public long long resume_at
    cdef public bint is_asking
    cdef public bint is_blocked
    cdef public bint is_rate_limited
    cdef public bint is_registered
    cdef readonly bint is_scanning

    @cython.locals(encoder=PublishEncoder, packet=bytes)
    cpdef bint send_message(self, Message message, int flags, int packet_id, tuple identifiers, bint keeps_retain) except -1
    @cython.locals(encoder=PublishEncoder, packet=bytes, counters=Counters)
    cpdef send_plain(self, Message message)
    cpdef bint send_specially(self, Message message, int flags, int packet_id, tuple identifiers, bint is_retained) except -1
    @cython.locals(counters=Counters)
    cpdef count_sent(self, Message message)
