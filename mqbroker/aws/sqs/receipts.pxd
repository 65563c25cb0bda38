cpdef str make_handle(receipt)
cpdef read_handle(str handle)
