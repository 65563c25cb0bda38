cpdef bint has_forbidden_characters(str text) except -1
