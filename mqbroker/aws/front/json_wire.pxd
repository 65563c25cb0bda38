cimport cython


@cython.locals(parameters=dict)
cpdef dict parse_body(bytes body, parser)


@cython.final
cdef class StructureParser:
    cdef list _batches
    cdef dict _plans
    cdef list _required

    @cython.locals(result=dict, plans=dict, plan=tuple)
    cdef dict _members(self, dict value)


cpdef bytes result_body(result)
