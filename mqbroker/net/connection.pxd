cimport cython

from mqbroker.clock cimport Clock
from mqbroker.core.ledger cimport Ledger
from mqbroker.net.congestion cimport Congestion
from mqbroker.net.ration cimport Ration
from mqbroker.protocols.session cimport Session

cdef long long _INPUT
cdef long long _SLICE_MIN
cdef long long _HASTE


cdef class Connection:
    cdef public object peer
    cdef public object accepted_from
    cdef public object greeting
    cdef public object new_session
    cdef public Session session
    cdef public object transport
    cdef public bint is_hasty
    cdef object _connections
    cdef Clock _clock
    cdef object _close_timer
    cdef bint _has_ended
    cdef bint _is_open
    cdef bint _is_reading
    cdef bint _is_resting
    cdef long long _batch
    cdef long long _batch_bytes
    cdef long long _offered
    cdef Ration _ration

    @cython.locals(session=Session, size=cython.longlong)
    cpdef get_buffer(self, sizehint)
    @cython.locals(
        session=Session, congestion=Congestion, ledger=Ledger, before=cython.longlong, now=cython.longlong,
        added=cython.longlong,
    )
    cpdef buffer_updated(self, Py_ssize_t nbytes)
    @cython.locals(
        session=Session, congestion=Congestion, ledger=Ledger, before=cython.longlong, now=cython.longlong,
        started=cython.longlong, ended=cython.longlong, added=cython.longlong,
    )
    cpdef data_received(self, bytes data)
    @cython.locals(session=Session, sent_before=cython.longlong, data=bytearray, lent=list)
    cpdef flush(self, long long now)
    cdef _account(self, long long size, long long spent_ns)
    cpdef long long count_added(self, long long added, long long batch) except -1
    cpdef bint hold(self, bint is_hasty) except -1
    @cython.locals(session=Session)
    cpdef _obey(self)
    cpdef _set_reading(self, bint is_reading)
