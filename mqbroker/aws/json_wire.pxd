cimport cython

from mqbroker.aws.parameters cimport Needs


cpdef dict parse_body(bytes body, parser)
cpdef bytes result_body(result)


cdef class StructureParser:
    cdef Needs _needs
    cdef dict _plans

    @cython.locals(result=dict, plans=dict, plan=tuple)
    cdef dict _members(self, dict value)
