from mqbroker.core.message cimport Entry
from mqbroker.core.queues.polled.group_lines cimport group_of

cdef int _LINE
cdef int _KNOWN
cdef int _POLLED_TOP

cpdef int lane_of(Entry entry, int top) except -1
cpdef bint is_known(Entry entry) except -1
cpdef long long deadline_of(Entry entry, int top) except? -1
