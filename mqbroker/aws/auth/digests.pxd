cdef object _MD5
cdef object _SHA256

cpdef str md5_hex(bytes octets)
cpdef str sha256_hex(bytes octets)
