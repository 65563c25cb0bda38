cimport cython

from mqbroker.core.message cimport Entry, is_absent
from mqbroker.core.queues.base cimport Queue
from mqbroker.core.queues.polled.deadlines cimport Deadlines
from mqbroker.core.queues.polled.group_lines cimport GroupLine, group_of
from mqbroker.core.queues.polled.lines cimport Lines

cdef class PolledContents(Queue):
    cdef readonly Lines lines
    cdef readonly Deadlines deadlines
    cdef readonly object settings_of_polling
    cdef readonly long long visibility_ms
    cdef readonly long long delay_ms
    cdef readonly Py_ssize_t in_flight_max
    cdef readonly long long receive_max
    cdef readonly str dead_letter_queue
    cdef readonly object bodies
    cdef readonly object pages

    cpdef restore_to(self, GroupLine line, Entry entry)
    cpdef bint has_expired(self, Entry entry, long long now) except -1
    @cython.locals(line=GroupLine, place=cython.longlong)
    cpdef put_to_the_back(self, Entry entry)
    cpdef watch_if_odd(self, Entry entry, GroupLine line)
    cpdef Py_ssize_t waiting_count(self) except -1
    cpdef list waiting(self)
    @cython.locals(entry=Entry)
    cpdef Entry find(self, long long sequence)
    cpdef watch(self, Entry entry)
    cpdef long long next_deadline(self) except? -1
    @cython.locals(deadline=cython.longlong)
    cpdef rearm(self)
    cpdef bint warm(self, Py_ssize_t count=*) except -1
    @cython.locals(line=GroupLine)
    cdef GroupLine choose(self)
