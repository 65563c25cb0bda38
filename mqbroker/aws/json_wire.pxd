cpdef dict parse_body(bytes body, parser)
cpdef bytes result_body(result)
