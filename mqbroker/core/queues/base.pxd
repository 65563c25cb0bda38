cimport cython

from mqbroker.core.consumer cimport Consumer
from mqbroker.core.ledger cimport Ledger
from mqbroker.core.message cimport Entry, Message
from mqbroker.core.scheduler cimport Task
from mqbroker.core.stats cimport Counts

cdef Py_ssize_t _PORTION


cdef class Queue(Task):
    cdef readonly object host
    cdef readonly Ledger ledger
    cdef readonly str name
    cdef readonly int number
    cdef public bint durable
    cdef readonly bint is_recorded
    cdef public object declared
    cdef public object spec
    cdef readonly bint counts_failures
    cdef public long long next_sequence
    cdef long long first_sequence
    cdef readonly Counts counts
    cdef readonly Py_ssize_t unacked_count
    cdef readonly list consumers
    cdef public list ring
    cdef Py_ssize_t cursor
    cdef readonly object exclusive_consumer
    cdef readonly bint has_consumer_priorities
    cdef public bint is_single_active
    cdef public bint is_deleted
    cdef long long armed_at
    cdef public object alarm
    cdef readonly list alone
    cdef readonly Py_ssize_t holds
    cdef readonly bint is_paused
    cdef public object tap
    cdef public long long used_at

    cpdef enforce(self, long long now)
    cpdef Py_ssize_t waiting_count(self) except -1
    cpdef list waiting(self)
    cpdef int publish(self, Message message, long long now) except -1
    cpdef Entry get(self, Consumer holder, long long now)
    cpdef bint make_ready(self, long long now) except -1
    cpdef bint run(self, long long now, long long portion) except -1
    cpdef bint is_warm(self) except -1
    cpdef Py_ssize_t deliver_to(self, Consumer consumer, Py_ssize_t portion, long long now) except -1
    cpdef give_up(self, Entry entry, long long now)
    @cython.locals(entry=Entry)
    cpdef give_back(self, list entries, long long now, bint is_failure)
    cpdef Py_ssize_t purge(self, long long now, object done) except -1
    @cython.locals(ring=list, consumer=Consumer, count=Py_ssize_t, index=Py_ssize_t)
    cpdef Consumer next_consumer(self)
    cpdef Consumer next_by_priority(self)
    @cython.locals(counts=Counts)
    cpdef hand_over(self, Entry entry, Consumer consumer)
    @cython.locals(counts=Counts)
    @cython.locals(counts=Counts)
    cpdef assign(self, Entry entry, Consumer holder)
    cpdef pump(self, long long now)
    cpdef work(self, long long now)
    cpdef bint may_serve(self, Consumer consumer, long long now) except -1
    @cython.locals(priority=long, each=Consumer)
    cpdef bint is_outranked(self, Consumer consumer) except -1
    cpdef end_turn(self, Consumer consumer, bint has_had_enough)
    cpdef stand_by(self, Consumer consumer)
    @cython.locals(consumer=Consumer)
    cpdef release(self, Entry entry)
    @cython.locals(consumer=Consumer)
    cpdef acknowledge(self, Entry entry, long long now)
    cpdef settle(self, Entry entry)
    @cython.locals(consumer=Consumer)
    cpdef reject(self, Entry entry, long long now)
    @cython.locals(entry=Entry, consumer=Consumer)
    cpdef requeue(self, list entries, long long now, bint is_failure=*)
    cpdef begin_return(self)
    cpdef end_return(self, long long now)
    cpdef end_return_soon(self)
    cpdef expire(self, long long now)
    cpdef arm(self, long long deadline)
    cpdef stand_down(self, Consumer consumer)
    @cython.locals(consumers=list, consumer=Consumer)
    cpdef list dismiss(self)
    cpdef offer(self, Consumer consumer, long long now)
