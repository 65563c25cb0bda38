cimport cython

from mqbroker.core.ledger cimport Ledger
from mqbroker.core.message cimport Entry, Message


cdef class JournalLedger(Ledger):
    cdef readonly object encoder
    cdef readonly object writer
    cdef readonly object gate
    cdef object open
    cdef readonly list entries
    cdef readonly list settled
    cdef readonly list deferred
    cdef readonly object sealed
    cdef object doomed
    cdef Py_ssize_t entries_live
    cdef readonly Py_ssize_t open_bytes
    cdef long long closed_bytes
    cdef long long sealed_bytes
    cdef bint is_sealing
    cdef public bint is_held
    cdef bint closed
    cdef readonly bint is_marked
    cdef readonly long long batches
    cdef long long batches_tended
    cdef readonly long long bytes_written
    cdef public object segment_begun
    cdef readonly object pager
    cdef public object indexer
    cdef public object scrub
    cdef public object relocator

    @cython.locals(message=Message, entries=list)
    cpdef enqueue(self, Entry entry)
    cpdef settle(self, Entry entry)
    cpdef attempt(self, Entry entry)
    cpdef defer(self, Entry entry)
    cpdef long long added(self) except -1
    cpdef long long backlog(self) except -1
    cpdef seal(self)
    cpdef bint _has_facts(self) except -1
