cimport cython

cimport mqbroker.octets as octets


@cython.locals(payloads=list, end=Py_ssize_t, size=Py_ssize_t, start=Py_ssize_t, stop=Py_ssize_t)
cpdef tuple take_short(bytes data, Py_ssize_t at, Py_ssize_t size_max)
