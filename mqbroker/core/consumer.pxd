cimport cython

from mqbroker.core.line cimport Line, Member
from mqbroker.core.message cimport Entry, Message
from mqbroker.core.scheduler cimport Task

cdef Py_ssize_t _COUNT_MAX
cdef Py_ssize_t _PORTION


cdef class Gate(Line):
    cdef public bint is_open

    cpdef Py_ssize_t room(self) except -1


cdef class Window(Line):
    cdef public bint is_open
    cdef public long limit
    cdef readonly long in_flight

    cpdef Py_ssize_t room(self) except -1
    cdef freed(self, Consumer consumer, long long now)


cdef class Consumer(Member):
    cdef readonly object queue
    cdef public Gate gate
    cdef readonly Window window
    cdef public bint no_ack
    cdef public long prefetch
    cdef public long priority
    cdef public bint is_exclusive
    cdef public bint wants_all
    cdef public bint is_active
    cdef bint is_new
    cdef readonly long in_flight
    cdef public bint is_waiting

    @cython.locals(window=Window)
    cpdef bint can_take(self) except -1
    cpdef wait(self)
    cpdef join(self, Line line)
    cpdef Py_ssize_t take_turn(self, Py_ssize_t portion, long long now) except -1
    cpdef schedule(self, Task task)
    cpdef deliver(self, Entry entry)
    cpdef pass_on(self, Message message)
    cpdef cancelled(self)
