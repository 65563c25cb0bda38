cimport cython

from mqbroker.core.scheduler cimport Task


cdef class Member:
    cdef readonly Line line

    cpdef Py_ssize_t take_turn(self, Py_ssize_t portion, long long now) except -1
    cpdef schedule(self, Task task)


cdef class Line(Task):
    cdef readonly object members

    cpdef Py_ssize_t room(self) except -1
    cpdef join(self, Member member)
    cdef join_first(self, Member member)
    cpdef leave(self, Member member)
    cpdef go_on(self)
    @cython.locals(member=Member, left=Py_ssize_t, share=Py_ssize_t)
    cpdef bint run(self, long long now, long long portion) except -1
