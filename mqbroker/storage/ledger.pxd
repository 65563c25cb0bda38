cimport cython

from mqbroker.core.ledger cimport Ledger
from mqbroker.core.message cimport Entry, Message


cdef class JournalLedger(Ledger):
    cdef public object encoder
    cdef public object writer
    cdef public object gate
    cdef public object open
    cdef public list entries
    cdef public list settled
    cdef public list deferred
    cdef public object sealed
    cdef public object doomed
    cdef public Py_ssize_t entries_live
    cdef public Py_ssize_t open_bytes
    cdef public long long closed_bytes
    cdef public long long sealed_bytes
    cdef public bint is_sealing
    cdef public bint is_held
    cdef public bint closed
    cdef public bint is_marked
    cdef public long long batches
    cdef public long long batches_tended
    cdef public long long bytes_written
    cdef public object segment_begun
    cdef public object pager
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
