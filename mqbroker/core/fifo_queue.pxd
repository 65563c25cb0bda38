cimport cython

from mqbroker.core.deduplication cimport Deduplication, deduplication_id_of
from mqbroker.core.group_lines cimport GroupLine, group_of
from mqbroker.core.grouped_queue cimport GroupedQueue
from mqbroker.core.message cimport Entry, Message
from mqbroker.core.polled_queue cimport PolledQueue

cdef Py_ssize_t _PORTION


cdef class FifoQueue(PolledQueue):
    cdef public Deduplication deduplication
    cdef public bint deduplicates_by_content
    cdef public Py_ssize_t blocked
    cdef public set held

    cpdef empty_lines(self)
    @cython.locals(name=str, group=str, original=Entry, entry=Entry)
    cpdef Entry send(self, Message message, long long now, long long delay_ms=*)
    cpdef Entry enter(self, Message message, GroupLine line, long long now, long long delay_ms, long long ttl_ms)
    cpdef long long redriven_sent_at(self, Entry entry, long long now) except? -1
    cpdef Py_ssize_t waiting_count(self) except -1
    cpdef add_in_flight(self, GroupLine line, Entry entry)
    cpdef remove_in_flight(self, GroupLine line, Entry entry)
    @cython.locals(held=list)
    cpdef long long lock_of(self, GroupLine line) except? -1
    @cython.locals(first=cython.longlong, blocked=Py_ssize_t, entry=Entry)
    cpdef place(self, GroupLine line)
    @cython.locals(entry=Entry)
    cpdef watch_first(self, GroupLine line)
    @cython.locals(lock=cython.longlong, first=cython.longlong)
    cpdef receive_from(self, GroupLine line, list found, Py_ssize_t count_max, long long held_until, long long now)
    @cython.locals(line=GroupLine, first=cython.longlong)
    cpdef bring_back(self, Entry entry)
    cpdef bint is_noise(self, GroupLine line) except -1
    cpdef bint counts_for_age(self, Entry entry) except -1
    @cython.locals(done=Py_ssize_t)
    cpdef Py_ssize_t do_due(self, long long now, Py_ssize_t most) except -1
    cpdef long long next_deadline(self) except? -1
