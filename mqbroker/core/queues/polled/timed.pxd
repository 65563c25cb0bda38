cimport cython

from mqbroker.core.queues.polled.group_lines cimport GroupLine, group_of
from mqbroker.core.queues.polled.grouped cimport GroupedQueue
from mqbroker.core.message cimport Entry, Message

cdef Py_ssize_t _PORTION
cdef Py_ssize_t _SLACK


cdef class TimedQueue(GroupedQueue):
    cdef public list deadlines
    cdef public long long newest_at
    cdef public long long retention_ms

    cpdef serve(self, long long now)
    cpdef empty_lines(self)
    cpdef restore_to(self, GroupLine line, Entry entry)
    @cython.locals(held_until=cython.longlong)
    cpdef add_delayed(self, Entry entry, GroupLine line)
    @cython.locals(line=GroupLine)
    cpdef bring_back(self, Entry entry)
    cpdef bint goes_to_the_back(self, Entry entry) except -1
    @cython.locals(line=GroupLine, place=cython.longlong)
    cpdef put_to_the_back(self, Entry entry)
    @cython.locals(message=Message, kept_until=cython.longlong)
    cpdef long long expiry(self, Entry entry) except? -1
    @cython.locals(expiry=cython.longlong)
    cpdef long long deadline(self, Entry entry) except? -1
    @cython.locals(deadline=cython.longlong)
    cpdef watch(self, Entry entry)
    cpdef watch_if_odd(self, Entry entry, GroupLine line)
    cpdef see(self, Entry entry)
    @cython.locals(entry=Entry)
    cpdef renew_deadlines(self)
    cpdef enforce(self, long long now)
    cpdef expire(self, long long now)
    @cython.locals(entry=Entry, deadline=cython.longlong, done=Py_ssize_t)
    cpdef Py_ssize_t do_due(self, long long now, Py_ssize_t most) except -1
    @cython.locals(line=GroupLine)
    cpdef fall_due(self, Entry entry, long long now)
    @cython.locals(line=GroupLine, done=Py_ssize_t)
    cpdef Py_ssize_t sweep(self, long long now, Py_ssize_t most) except -1
    @cython.locals(entry=Entry)
    cpdef drop_first(self, GroupLine line)
    @cython.locals(deadlines=list, entry=Entry, line=GroupLine, deadline=cython.longlong, found=cython.longlong, expiry=cython.longlong)
    cpdef long long next_deadline(self) except? -1
    @cython.locals(deadline=cython.longlong)
    cpdef rearm(self)
    cpdef arm(self, long long deadline)
