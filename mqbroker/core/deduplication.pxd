cimport cython

from mqbroker.core.group_lines cimport id_in
from mqbroker.core.ledger cimport Ledger
from mqbroker.core.message cimport Entry, Message, Properties, new_entry, new_message


cpdef str deduplication_id_of(Message message, bint by_content)


cdef class Deduplication:
    cdef public int number
    cdef Ledger _ledger
    cdef bint _is_recorded
    cdef bint _by_group
    cdef public dict _notes
    cdef object _keys
    cdef dict _again
    cdef list _late

    cdef str _key(self, str group, str name)
    cdef _remember(self, str group, str name, bytes note)
    @cython.locals(key=str, note=bytes)
    cpdef Entry find(self, str group, str name, long long now)
    @cython.locals(message=Message, message_id=bytes, marker=Entry, lsn="long long")
    cpdef note(self, str group, str name, Entry entry, long long now)
    @cython.locals(key=str, passed=Py_ssize_t)
    cpdef long long next_deadline(self) except? -1
    @cython.locals(late=list, done=Py_ssize_t)
    cpdef Py_ssize_t expire(self, long long now, Py_ssize_t most) except -1
    @cython.locals(marker=Entry)
    cdef _settle(self, bytes note)


cdef bytes _packed(long long sequence, long long expires_at, lsn, str group, bytes message_id)
