cimport cython

from mqbroker.core.consumer cimport Consumer
from mqbroker.core.queues.polled.group_lines cimport GroupLine, group_of
from mqbroker.core.message cimport Entry, Message, new_entry, new_message
from mqbroker.core.properties cimport Properties
from mqbroker.core.queues.base cimport Queue
from mqbroker.core.queues.polled.contents cimport PolledContents

cdef Py_ssize_t _PORTION


cdef class PolledQueue(PolledContents):
    cdef readonly object waiters
    cdef bint is_turn_of_waiters
    cdef readonly long long sent_count
    cdef readonly long long sent_bytes
    cdef readonly long long received_count
    cdef readonly long long deleted_count
    cdef public long long deduplicated_count

    cpdef int publish(self, Message message, long long now) except -1
    @cython.locals(properties=Properties, line=GroupLine, entry=Entry)
    cpdef Entry send(self, Message message, long long now, long long delay_ms=*)
    @cython.locals(properties=Properties, sequence=cython.longlong, entry=Entry)
    cpdef Entry enter(self, Message message, GroupLine line, long long now, long long delay_ms, long long ttl_ms)
    @cython.locals(properties=Properties)
    cpdef accept(self, Message message, str source, long long attempts, long long sent_at, long long now)
    @cython.locals(line=GroupLine, found=list, left=Py_ssize_t, entry=Entry)
    cpdef list receive(self, Py_ssize_t count_max, long long visibility_ms, long long now)
    @cython.locals(entry=Entry)
    cpdef receive_from(self, GroupLine line, list found, Py_ssize_t count_max, long long held_until, long long now)
    @cython.locals(entry=Entry)
    cpdef Entry draw(self, GroupLine line, long long now)
    cpdef hold(self, Entry entry, GroupLine line, long long held_until, long long now)
    cpdef change_visibility(self, Entry entry, long long visibility_ms, long long now)
    cpdef delete(self, Entry entry, long long now)
    cpdef Py_ssize_t purge(self, long long now, object done) except -1
    @cython.locals(target=PolledQueue)
    cpdef bint redrive(self, Entry entry, long long now) except -1
    cpdef PolledQueue dead_letter_target(self)
    cpdef long long redriven_sent_at(self, Entry entry, long long now) except? -1
    @cython.locals(line=GroupLine)
    cpdef Entry next_entry(self)
    @cython.locals(line=GroupLine, entry=Entry)
    cpdef bint move_one(self, PolledQueue target, long long now) except -1
    @cython.locals(left=cython.longlong, consumer=Consumer, entry=Entry)
    cpdef bint run(self, long long now, long long portion) except -1
    @cython.locals(left=Py_ssize_t, entry=Entry)
    cpdef Py_ssize_t deliver_to(self, Consumer consumer, Py_ssize_t portion, long long now) except -1
    @cython.locals(line=GroupLine, entry=Entry)
    cpdef Entry draw_next(self, long long now)
    cpdef bint has_work(self, long long now) except -1
    @cython.locals(left=Py_ssize_t, line=GroupLine)
    cpdef bint make_ready(self, long long now) except -1
    cpdef bint is_spent(self, Entry entry, long long now) except -1
    cpdef hand_over(self, Entry entry, Consumer consumer)
    cpdef finish(self, Entry entry)
    cpdef Entry get(self, Consumer holder, long long now)
    cpdef settle(self, Entry entry)
    cpdef offer(self, Consumer consumer, long long now)
    cpdef give_up(self, Entry entry, long long now)
    @cython.locals(entry=Entry)
    cpdef give_back(self, list entries, long long now, bint is_failure)
    cpdef end_return(self, long long now)
    cpdef serve(self, long long now)
    @cython.locals(woken=Py_ssize_t)
    cpdef Py_ssize_t wake(self, Py_ssize_t most, long long now) except -1
    cpdef serve_soon(self)
    @cython.locals(line=GroupLine)
    cpdef bring_back(self, Entry entry)
    cpdef expire(self, long long now)
    @cython.locals(entry=Entry, done=Py_ssize_t, swept=Py_ssize_t)
    cpdef Py_ssize_t do_due(self, long long now, Py_ssize_t most) except -1
    @cython.locals(line=GroupLine)
    cpdef fall_due(self, Entry entry, long long now)
