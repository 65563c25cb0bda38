cimport cython

from mqbroker.core.queues.polled.group_lines cimport GroupLine
from mqbroker.core.ledger cimport Ledger
from mqbroker.core.message cimport Entry, Message

cdef long long _NOISY_SHARE
cdef long long _NOISY_MIN
cdef int _RECEIVES_IN_PLACE
cdef long long _GONE
cdef Py_ssize_t _SLACK


cdef class Lines:
    cdef readonly Ledger ledger
    cdef readonly GroupLine ungrouped
    cdef readonly dict groups
    cdef dict heads
    cdef readonly list ready
    cdef readonly dict noisy
    cdef readonly dict noted
    cdef dict places
    cdef readonly list taken
    cdef dict coming
    cdef Py_ssize_t coming_total
    cdef readonly Py_ssize_t visible_total
    cdef readonly Py_ssize_t in_flight_total
    cdef Py_ssize_t delayed_total
    cdef readonly Py_ssize_t groups_in_flight
    cdef readonly long long byte_count

    cpdef Py_ssize_t total(self) except -1
    cpdef Py_ssize_t deliverable(self) except -1
    @cython.locals(line=GroupLine)
    cdef GroupLine line_for(self, str group)
    @cython.locals(line=GroupLine)
    cpdef GroupLine line_of(self, Entry entry)
    @cython.locals(message=Message)
    cdef show(self, Entry entry, GroupLine line, long long place)
    @cython.locals(message=Message)
    cpdef show_again(self, Entry entry, GroupLine line, long long place)
    cpdef put_aside(self, GroupLine line)
    @cython.locals(message=Message)
    cpdef hide(self, Entry entry, GroupLine line)
    @cython.locals(held_until=cython.longlong)
    cpdef add_delayed(self, Entry entry, GroupLine line)
    @cython.locals(line=GroupLine)
    cdef GroupLine end_delay(self, Entry entry)
    cpdef add_in_flight(self, GroupLine line, Entry entry)
    cpdef remove_in_flight(self, GroupLine line, Entry entry)
    @cython.locals(place=cython.longlong)
    cpdef place(self, GroupLine line)
    @cython.locals(heads=dict)
    cpdef register(self, GroupLine line, long long place)
    @cython.locals(line=GroupLine, ready=list)
    cpdef GroupLine choose(self)
    cpdef place_or_drop(self, GroupLine line)
    cpdef bint is_noise(self, GroupLine line) except -1
    @cython.locals(line=GroupLine)
    cdef release_quiet(self)
    @cython.locals(line=GroupLine, found=GroupLine, place=cython.longlong, lowest=cython.longlong)
    cpdef GroupLine least_noisy(self)
    cpdef note(self, Entry entry, GroupLine line)
    cpdef bint is_noted(self, Entry entry) except -1
    cpdef leave(self, Entry entry)
    cpdef restore(self, Entry entry, GroupLine line)
    @cython.locals(line=GroupLine)
    cdef remove_held(self, Entry entry)
    @cython.locals(entry=Entry)
    cdef drop_first(self, GroupLine line)
    @cython.locals(line=GroupLine)
    cdef remove_noted(self, Entry entry)
    @cython.locals(entry=Entry)
    cpdef Entry find(self, long long sequence)
    cpdef bint is_in_flight(self, Entry entry) except -1
    cpdef bint counts_for_age(self, Entry entry) except -1
    cpdef note_taken(self, Entry entry)
