cimport cython

from mqbroker.core.message cimport Entry, Message, new_entry, new_message
from mqbroker.core.properties cimport Properties
from mqbroker.core.queues.extent cimport Extent, extent_key
from mqbroker.core.queues.lanes cimport lane_of
from mqbroker.storage.liveness cimport Share


cdef int _HELD_STEP
cdef Py_ssize_t _STATE_BYTES
cdef long long _POLLED_TOP
cdef object _pack_published
cdef object _pack_repeated
cdef object _pack_enqueued
cdef object _pack_state
cdef object _unpack_state
cdef object _unpack_published
cdef object _unpack_repeated
cdef object _unpack_enqueued


@cython.final
cdef class EntryEncoder:
    cdef long long lsn
    cdef readonly list pieces
    cdef readonly Py_ssize_t size
    cdef readonly Py_ssize_t count
    cdef readonly dict extents
    cdef dict tops

    @cython.locals(
        entry=Entry, message=Message, before=Message, body=bytes, pieces=list, lsn=cython.longlong,
        offset=Py_ssize_t, names_at=Py_ssize_t, queue=cython.longlong, run=Py_ssize_t, step=cython.int,
        attempts=cython.int, run_bytes=cython.longlong, first=cython.longlong, last=cython.longlong,
        deadline=cython.longlong, top=cython.longlong, lane=cython.longlong, expires_at=cython.longlong,
    )
    cpdef encode(self, list entries)
    cdef Py_ssize_t _encode_state(self, Entry entry) except -1
    @cython.locals(exchange=bytes, key=bytes, raw=bytes, names=bytes)
    cdef Py_ssize_t _encode_names(self, Entry entry, Message message, Py_ssize_t body_bytes, int step) except -1
    @cython.locals(key=cython.longlong, extent=Extent)
    cdef _count(
        self, long long queue, long long lane, Py_ssize_t run, long long run_bytes, long long first, long long last,
        long long deadline,
    )


@cython.final
cdef class EntryDecoder:
    cdef readonly bytes data
    cdef object formats
    cdef dict shares
    cdef bint shares_only
    cdef bint is_redelivered
    cdef readonly dict lists
    cdef long long lsn
    cdef readonly Py_ssize_t start
    cdef dict made
    cdef Py_ssize_t names_at
    cdef readonly str exchange
    cdef readonly str key
    cdef readonly Properties properties
    cdef readonly int code

    @cython.locals(
        data=bytes, position=Py_ssize_t, names_at=Py_ssize_t, carrier=Py_ssize_t, received_at=cython.longlong, kind=cython.int, flags=cython.int,
        length=Py_ssize_t, exchange_bytes=Py_ssize_t, key_bytes=Py_ssize_t, raw_bytes=Py_ssize_t,
        number=cython.longlong, queue=cython.longlong, sequence=cython.longlong, expires_at=cython.longlong,
        attempts=cython.longlong, first=cython.longlong, last=cython.longlong, is_settled=cython.bint,
        body_end=Py_ssize_t, is_held=cython.bint,
        found=list, share=Share, message=Message, entry=Entry,
    )
    cpdef decode(self, long long lsn, Py_ssize_t start, Py_ssize_t end)
    cdef list _list(self, object queue)
    cdef _apply_attempts(self, Entry entry, Share share)
    @cython.locals(
        data=bytes, at=Py_ssize_t, names_at=Py_ssize_t, length=Py_ssize_t, exchange_bytes=Py_ssize_t,
        key_bytes=Py_ssize_t, raw_bytes=Py_ssize_t, received_at=cython.longlong, known=Message,
    )
    cdef Message _message(self, Py_ssize_t carrier)
    @cython.locals(properties=Properties, message=Message)
    cdef Message _make(self, Py_ssize_t carrier, bytes body, long long received_at)
    @cython.locals(data=bytes, at=Py_ssize_t, exchange_bytes=Py_ssize_t, key_bytes=Py_ssize_t, raw_bytes=Py_ssize_t, raw=bytes)
    cdef _read_names(self, Py_ssize_t names_at)
