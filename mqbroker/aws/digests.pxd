cpdef str md5_hex(bytes octets)
cpdef str sha256_hex(bytes octets)
