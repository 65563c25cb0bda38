cimport cython

cimport mqbroker.octets as octets


@cython.locals(payloads=list, end=Py_ssize_t, size=Py_ssize_t, start=Py_ssize_t, stop=Py_ssize_t)
cpdef tuple take_short(bytes data, Py_ssize_t at, Py_ssize_t size_max)


@cython.locals(
    size=Py_ssize_t, longest=Py_ssize_t, at=Py_ssize_t, end=Py_ssize_t, length=Py_ssize_t, before=Py_ssize_t,
    to=Py_ssize_t, memory=bytes, head=bytes,
)
cpdef bytes put_together(bytes data, list ends, Py_ssize_t size_max)
