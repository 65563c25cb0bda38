cimport cython

from mqbroker.core.message cimport Entry
from mqbroker.core.properties cimport Properties

cdef long long _GONE
cdef Py_ssize_t _COMPACT_AT


@cython.final
cdef class GroupLine:
    cdef readonly str name
    cdef public Py_ssize_t visible
    cdef readonly Py_ssize_t in_flight
    cdef public Py_ssize_t delayed
    cdef readonly long long delayed_until
    cdef readonly long long key
    cdef public Py_ssize_t blocked
    cdef public long long turn
    cdef public list held
    cdef public list untouched
    cdef public Py_ssize_t head
    cdef public long long last
    cdef list returned
    cdef public list tail
    cdef public object pages
    cdef public bint is_coming
    cdef Py_ssize_t away

    cdef bring_back(self, long long place, Entry entry)
    cdef add(self, long long place, Entry entry)
    @cython.locals(entry=Entry, place=cython.longlong, back=cython.longlong)
    cpdef Py_ssize_t first(self) except -1
    @cython.locals(entry=Entry, back=cython.longlong)
    cpdef Entry peek(self)
    @cython.locals(entry=Entry, back=cython.longlong)
    cpdef Entry pop(self)
    @cython.locals(untouched=list, head=Py_ssize_t)
    cpdef step(self)


cpdef str id_in(Properties properties, str name)
cpdef str group_of(Properties properties)
