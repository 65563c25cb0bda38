cimport cython

from mqbroker.core.consumer cimport Consumer
from mqbroker.core.queues.lane cimport Lane
from mqbroker.core.ledger cimport Ledger
from mqbroker.core.message cimport Entry, Message, Properties, attempts_after, failures_of, new_entry
from mqbroker.core.scheduler cimport Task

cdef int _ROUTED
cdef Py_ssize_t _PORTION
cdef Py_ssize_t _AT_ONCE
cdef Py_ssize_t _LEAST


cdef class Queue(Task):
    cdef public object host
    cdef public Ledger ledger
    cdef public str name
    cdef public int number
    cdef public bint durable
    cdef public bint is_recorded
    cdef public bint auto_delete
    cdef public object owner
    cdef public object arguments
    cdef public object settings
    cdef public bint is_quorum
    cdef public Lane lane
    cdef public long long next_sequence
    cdef public long long byte_count
    cdef public Py_ssize_t unacked_count
    cdef public list consumers
    cdef public list ring
    cdef public Py_ssize_t cursor
    cdef public object exclusive_consumer
    cdef public bint has_consumer_priorities
    cdef public bint has_deadlines
    cdef public bint is_single_active
    cdef public bint is_deleted
    cdef public long long armed_at
    cdef public object alarm
    cdef public list alone
    cdef public Py_ssize_t holds
    cdef public long long used_at
    cdef public bint is_plain
    cdef public long long ttl_ms
    cdef public long long max_length
    cdef public long long max_bytes
    cdef public int overflow
    cdef public long long delivery_limit
    cdef public str dead_letter_exchange
    cdef public str dead_letter_key

    cpdef Py_ssize_t waiting_count(self) except -1
    @cython.locals(entry=Entry, consumer=Consumer)
    cpdef int publish(self, Message message, long long now) except -1
    @cython.locals(entry=Entry, properties=Properties, sequence=cython.longlong, ttl_ms=cython.longlong)
    cpdef Entry admit(self, Message message, long long now)
    cpdef bint would_overflow(self, Message message) except -1
    cpdef enforce(self, long long now)
    cpdef int refuse(self, Message message, long long now) except -1
    @cython.locals(most=Py_ssize_t)
    cpdef trim(self, Entry entry, long long now)
    @cython.locals(dropped=Py_ssize_t)
    cpdef Py_ssize_t drop(self, long long now, Py_ssize_t most) except -1
    @cython.locals(count=Py_ssize_t)
    cpdef bint is_over_limit(self) except -1
    cpdef store(self, Entry entry)
    cpdef Entry peek(self)
    cpdef Entry pop(self)
    cpdef put_back(self, list entries)
    cpdef list waiting(self)
    cpdef list detach(self)
    @cython.locals(entry=Entry)
    cpdef Entry take(self)
    @cython.locals(ring=list, consumer=Consumer, count=Py_ssize_t, index=Py_ssize_t)
    cpdef Consumer next_consumer(self)
    cpdef Consumer next_by_priority(self)
    cpdef hand_over(self, Entry entry, Consumer consumer)
    cpdef pump(self, long long now)
    cpdef work(self, long long now)
    @cython.locals(left=cython.longlong, consumer=Consumer)
    cpdef bint run(self, long long now, long long portion) except -1
    cpdef bint has_work(self, long long now) except -1
    @cython.locals(entry=Entry)
    cpdef bint has_expired(self, long long now) except -1
    @cython.locals(left=Py_ssize_t)
    cpdef Py_ssize_t deliver_to(self, Consumer consumer, Py_ssize_t portion, long long now) except -1
    cpdef bint may_serve(self, Consumer consumer, long long now) except -1
    @cython.locals(priority=long, each=Consumer)
    cpdef bint is_outranked(self, Consumer consumer) except -1
    cpdef end_turn(self, Consumer consumer, bint has_had_enough)
    cpdef stand_by(self, Consumer consumer)
    @cython.locals(entry=Entry)
    cpdef bint drops_expired(self, long long now) except -1
    cpdef bint make_ready(self, long long now) except -1
    @cython.locals(entry=Entry)
    cpdef Entry get(self, Consumer holder, long long now)
    @cython.locals(consumer=Consumer)
    cpdef release(self, Entry entry)
    cpdef acknowledge(self, Entry entry)
    cpdef reject(self, Entry entry, long long now)
    cpdef requeue(self, list entries, long long now, bint is_failure=*)
    cpdef begin_return(self)
    cpdef end_return(self, long long now)
    cpdef end_return_soon(self)
    @cython.locals(entry=Entry, back=list)
    cpdef give_back(self, list entries, long long now, bint is_failure)
    cpdef discard(self, Entry entry, str reason, long long now)
    @cython.locals(count=Py_ssize_t)
    cpdef Py_ssize_t purge(self, long long now, object done) except -1
    cpdef expire(self, long long now)
    @cython.locals(entry=Entry)
    cpdef rearm(self)
    cpdef stand_down(self, Consumer consumer)
    @cython.locals(consumers=list, consumer=Consumer)
    cpdef list dismiss(self)
    cpdef offer(self, Consumer consumer, long long now)
