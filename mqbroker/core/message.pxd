cimport cython

from mqbroker.core.properties cimport Properties


@cython.final
@cython.freelist(256)
@cython.no_gc
cdef class Message:
    cdef readonly str exchange
    cdef readonly str routing_key
    cdef public Properties properties
    cdef readonly bytes body
    cdef readonly long long received_at
    cdef public long long lsn
    cdef public int slot
    cdef readonly int size

    cpdef bytes content(self)


@cython.final
@cython.freelist(256)
@cython.no_gc
cdef class Entry:
    cdef public Message message
    cdef public int queue_number
    cdef public int attempts
    cdef readonly long long sequence
    cdef public long long expires_at
    cdef public long long lsn
    cdef int slot
    cdef public bint is_redelivered
    cdef readonly object consumer
    cdef public unsigned long long tag
    cdef public long long held_until
    cdef public long long first_taken_at


@cython.locals(entry=Entry)
cpdef Entry new_entry(Message message, int queue_number, long long sequence)


cdef object _ABSENT
cdef int _FAILURE
cdef int _TAKEN

cpdef int attempts_after(int attempts, bint is_failure) except -1
cpdef int returns_of(int attempts) except -1
cpdef int failures_of(int attempts) except -1
cpdef bint is_taken(Entry entry) except -1
cpdef note_taken(Entry entry)
@cython.locals(message=Message)
cpdef Message new_message(str exchange, str routing_key, Properties properties, bytes body, long long now)
@cython.locals(found=Message)
cpdef Message without_body(Message message, int number)
cpdef bint is_absent(Entry entry) except -1
cpdef give_body(Entry entry, Entry found)
