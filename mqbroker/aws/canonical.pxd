cpdef str canonical_path(str path)
cpdef str canonical_lines(list names, list values)
