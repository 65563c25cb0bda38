cimport cython

from mqbroker.core.message cimport Entry, Message
from mqbroker.core.queues.extent cimport earlier
from mqbroker.core.queues.polled.group_lines cimport GroupLine
from mqbroker.core.queues.polled.lines cimport Lines

cdef Py_ssize_t _SLACK


cdef class Deadlines:
    cdef Lines lines
    cdef readonly list heap
    cdef object pages
    cdef readonly long long retention_ms
    cdef long long newest_at

    @cython.locals(message=Message, kept_until=cython.longlong)
    cpdef long long expiry(self, Entry entry) except? -1
    @cython.locals(expiry=cython.longlong)
    cpdef long long of(self, Entry entry) except? -1
    @cython.locals(deadline=cython.longlong)
    cdef long long add(self, Entry entry) except? -1
    cdef bint is_odd(self, Entry entry) except -1
    cdef note_arrival(self, Entry entry)
    @cython.locals(entry=Entry)
    cpdef renew(self)
    cdef bint has_due(self, long long now) except -1
    @cython.locals(deadline=cython.longlong)
    cpdef Entry pop(self)
    @cython.locals(heap=list, deadline=cython.longlong)
    cpdef long long first(self) except? -1
    @cython.locals(line=GroupLine, found=cython.longlong, expiry=cython.longlong)
    cdef long long next(self) except? -1
    @cython.locals(lines=Lines, line=GroupLine, done=Py_ssize_t)
    cpdef Py_ssize_t sweep(self, long long now, Py_ssize_t most) except -1
    @cython.locals(entry=Entry)
    cdef Entry _entry_at(self, long long deadline, object sequence)
