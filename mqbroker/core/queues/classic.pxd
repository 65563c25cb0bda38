cimport cython

from mqbroker.core.consumer cimport Consumer
from mqbroker.core.message cimport Entry, Message, attempts_after, failures_of, new_entry
from mqbroker.core.properties cimport Properties
from mqbroker.core.queues.base cimport Queue
from mqbroker.core.queues.lane cimport Lane

cdef int _ROUTED
cdef Py_ssize_t _AT_ONCE
cdef Py_ssize_t _LEAST


cdef class ClassicQueue(Queue):
    cdef readonly Lane lane
    cdef public long long byte_count
    cdef readonly bint has_deadlines
    cdef bint has_persistent_letters
    cdef readonly bint is_plain
    cdef long long ttl_ms
    cdef readonly long long max_length
    cdef long long max_bytes
    cdef readonly int overflow
    cdef readonly long long delivery_limit
    cdef public str dead_letter_exchange
    cdef public str dead_letter_key
    cdef object paging
    cdef public object picking
    cdef public object spill

    cpdef Py_ssize_t waiting_count(self) except -1
    @cython.locals(entry=Entry, consumer=Consumer)
    cpdef int publish(self, Message message, long long now) except -1
    @cython.locals(entry=Entry, properties=Properties, sequence=cython.longlong, ttl_ms=cython.longlong)
    cpdef Entry admit(self, Message message, long long now)
    cpdef bint would_overflow(self, Message message) except -1
    cpdef int refuse(self, Message message, long long now) except -1
    @cython.locals(most=Py_ssize_t)
    cpdef trim(self, Entry entry, long long now)
    @cython.locals(dropped=Py_ssize_t)
    cpdef Py_ssize_t drop(self, long long now, Py_ssize_t most) except -1
    cpdef bint finds_head(self) except -1
    @cython.locals(count=Py_ssize_t)
    cpdef bint is_over_limit(self) except -1
    cpdef store(self, Entry entry)
    cpdef Entry peek(self)
    cpdef Entry pop(self)
    cpdef put_back(self, list entries)
    cpdef list waiting(self)
    cpdef list detach(self)
    cpdef list lanes_in_order(self)
    @cython.locals(entry=Entry)
    cpdef Entry take_at(self, Lane lane, Py_ssize_t index)
    @cython.locals(entry=Entry)
    cpdef Entry take(self)
    @cython.locals(left=cython.longlong, consumer=Consumer)
    cpdef bint run(self, long long now, long long portion) except -1
    cpdef bint has_work(self, long long now) except -1
    @cython.locals(entry=Entry)
    cpdef bint has_expired(self, long long now) except -1
    @cython.locals(left=Py_ssize_t)
    cpdef Py_ssize_t deliver_to(self, Consumer consumer, Py_ssize_t portion, long long now) except -1
    @cython.locals(entry=Entry)
    cpdef bint drops_expired(self, long long now) except -1
    cpdef bint make_ready(self, long long now) except -1
    cpdef bint is_warm(self) except -1
    cpdef end_return(self, long long now)
    cpdef end_return_soon(self)
    @cython.locals(entry=Entry)
    cpdef Entry get(self, Consumer holder, long long now)
    @cython.locals(entry=Entry)
    cpdef rearm(self)
    cpdef rearm_for_pages(self)
    cpdef give_up(self, Entry entry, long long now)
    @cython.locals(entry=Entry, back=list)
    cpdef give_back(self, list entries, long long now, bint is_failure)
    cpdef bint has_letter_of(self, Message message) except -1
    cpdef discard(self, Entry entry, str reason, long long now)
    @cython.locals(count=Py_ssize_t)
    cpdef Py_ssize_t purge(self, long long now, object done) except -1
