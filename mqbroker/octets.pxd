# The compiled versions of octets.py, made a part of every module that cimports them. Every length is checked first.

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

# These few are declared here: the files that Cython has for them are read again for every module that uses octets.
cdef extern from "Python.h":
    int PyBUF_WRITE
    char* PyByteArray_AS_STRING(object)
    Py_ssize_t PyByteArray_GET_SIZE(object)
    int PyByteArray_Resize(object, Py_ssize_t) except -1
    char* PyBytes_AS_STRING(object)
    bytes PyBytes_FromStringAndSize(char*, Py_ssize_t)
    Py_ssize_t PyBytes_GET_SIZE(object)
    memoryview PyMemoryView_FromMemory(char*, Py_ssize_t, int)
    str PyUnicode_DecodeASCII(char*, Py_ssize_t, char*)


cdef inline bytes cut(bytes data, Py_ssize_t start, Py_ssize_t end):
    if data is None or start < 0 or end < start or end > PyBytes_GET_SIZE(data):
        raise IndexError("octets out of range")
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(data) + start, end - start)


cdef inline bint starts_at(bytes data, bytes prefix, Py_ssize_t position) except -1:
    if data is None or prefix is None or position < 0:
        raise IndexError("octets out of range")
    cdef Py_ssize_t size = PyBytes_GET_SIZE(prefix)
    if size > PyBytes_GET_SIZE(data) - position:
        return False
    return memcmp(PyBytes_AS_STRING(data) + position, PyBytes_AS_STRING(prefix), size) == 0


cdef inline unsigned long long longlong_at(bytes data, Py_ssize_t position) except? 0:
    if data is None or position < 0 or PyBytes_GET_SIZE(data) - position < 8:
        raise IndexError("octets out of range")
    cdef const unsigned char* at = <const unsigned char*>PyBytes_AS_STRING(data) + position
    cdef unsigned long long value = 0
    cdef int index
    for index in range(8):
        value = value << 8 | at[index]
    return value


cdef inline Py_ssize_t long_at(bytes data, Py_ssize_t position) except -1:
    if data is None or position < 0 or PyBytes_GET_SIZE(data) - position < 4:
        raise IndexError("octets out of range")
    cdef const unsigned char* at = <const unsigned char*>PyBytes_AS_STRING(data) + position
    return <Py_ssize_t>at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3]


cdef inline bytes unmasked(bytes data, Py_ssize_t start, Py_ssize_t end):
    if data is None or start < 4 or end < start or end > PyBytes_GET_SIZE(data):
        raise IndexError("octets out of range")
    cdef Py_ssize_t size = end - start
    cdef const char* source = PyBytes_AS_STRING(data) + start
    cdef const char* mask = source - 4
    cdef bytes payload = PyBytes_FromStringAndSize(NULL, size)
    cdef char* target = PyBytes_AS_STRING(payload)
    cdef uint32_t single
    cdef uint64_t double, word
    cdef Py_ssize_t at = 0
    memcpy(&single, mask, 4)
    double = <uint64_t>single << 32 | single
    while at <= size - 8:
        memcpy(&word, source + at, 8)
        word ^= double
        memcpy(target + at, &word, 8)
        at += 8
    while at < size:
        target[at] = source[at] ^ mask[at & 3]
        at += 1
    return payload


cdef inline int put_delivery(
    bytearray out, bytes head, unsigned char octet, bytes tail, bytes body, unsigned char end
) except -1:
    if out is None or head is None or tail is None or body is None:
        raise TypeError("octets expected")
    cdef Py_ssize_t head_size = PyBytes_GET_SIZE(head)
    cdef Py_ssize_t tail_size = PyBytes_GET_SIZE(tail)
    cdef Py_ssize_t body_size = PyBytes_GET_SIZE(body)
    cdef Py_ssize_t at = PyByteArray_GET_SIZE(out)
    PyByteArray_Resize(out, at + head_size + tail_size + body_size + 2)
    cdef char* target = PyByteArray_AS_STRING(out) + at
    memcpy(target, PyBytes_AS_STRING(head), head_size)
    target += head_size
    target[0] = <char>octet
    memcpy(target + 1, PyBytes_AS_STRING(tail), tail_size)
    target += 1 + tail_size
    memcpy(target, PyBytes_AS_STRING(body), body_size)
    target[body_size] = <char>end
    return 0


cdef inline char* _put(char* target, bytes piece) noexcept:
    cdef Py_ssize_t size = PyBytes_GET_SIZE(piece)
    memcpy(target, PyBytes_AS_STRING(piece), size)
    return target + size


cdef inline char* _put_long(char* target, unsigned long number) noexcept:
    target[0] = <char>(number >> 24 & 255)
    target[1] = <char>(number >> 16 & 255)
    target[2] = <char>(number >> 8 & 255)
    target[3] = <char>(number & 255)
    return target + 4


cdef inline int put_transfer(
    bytearray out, bytes head, unsigned long number, bytes middle, bytes tail, bytes body, bytes footer
) except -1:
    if out is None or head is None or middle is None or tail is None or body is None or footer is None:
        raise TypeError("octets expected")
    cdef Py_ssize_t size = PyBytes_GET_SIZE(head) + 4 + PyBytes_GET_SIZE(middle) + PyBytes_GET_SIZE(tail)
    size += PyBytes_GET_SIZE(body) + PyBytes_GET_SIZE(footer)
    if PyBytes_GET_SIZE(middle) > 0:
        size += 4
    cdef Py_ssize_t at = PyByteArray_GET_SIZE(out)
    PyByteArray_Resize(out, at + size)
    cdef char* target = PyByteArray_AS_STRING(out) + at
    target = _put_long(_put(target, head), number)
    if PyBytes_GET_SIZE(middle) > 0:
        target = _put_long(_put(target, middle), number)
    _put(_put(_put(target, tail), body), footer)
    return 0


cdef inline bytes blank(Py_ssize_t size):
    if size < 0:
        raise IndexError("octets out of range")
    return PyBytes_FromStringAndSize(NULL, size)


cdef inline int put(bytes memory, Py_ssize_t at, bytes data, Py_ssize_t start, Py_ssize_t end) except -1:
    if memory is None or data is None or at < 0 or start < 0 or end < start or end > PyBytes_GET_SIZE(data):
        raise IndexError("octets out of range")
    if end - start > PyBytes_GET_SIZE(memory) - at:
        raise IndexError("octets out of range")
    memcpy(PyBytes_AS_STRING(memory) + at, PyBytes_AS_STRING(data) + start, end - start)
    return 0


cdef inline window(bytes memory, Py_ssize_t start, Py_ssize_t end):
    if memory is None or start < 0 or end < start or end > PyBytes_GET_SIZE(memory):
        raise IndexError("octets out of range")
    return PyMemoryView_FromMemory(PyBytes_AS_STRING(memory) + start, end - start, PyBUF_WRITE)


cdef inline bint is_plain(bytes data) except -1:
    if data is None:
        raise TypeError("octets expected")
    cdef const unsigned char* at = <const unsigned char*>PyBytes_AS_STRING(data)
    cdef const unsigned char* end = at + PyBytes_GET_SIZE(data)
    cdef uint64_t word
    while at < end:
        if end - at >= 8:
            memcpy(&word, at, 8)
            # The high bit of an octet is set that has it anyway, or becomes less than nothing without 32.
            if not (word | (word - 0x2020202020202020ULL & ~word)) & 0x8080808080808080ULL:
                at += 8
                continue
        if at[0] >= 128 or (at[0] < 32 and at[0] != 9 and at[0] != 10 and at[0] != 13):
            return False
        at += 1
    return True


cdef inline str uuid_text(bytes octets):
    if octets is None or PyBytes_GET_SIZE(octets) != 16:
        raise IndexError("octets out of range")
    cdef const unsigned char* at = <const unsigned char*>PyBytes_AS_STRING(octets)
    cdef char text[36]
    cdef int index
    cdef int to = 0
    for index in range(16):
        if index == 4 or index == 6 or index == 8 or index == 10:
            text[to] = 45  # a hyphen
            to += 1
        text[to] = _digit(at[index] >> 4)
        text[to + 1] = _digit(at[index] & 15)
        to += 2
    return PyUnicode_DecodeASCII(text, 36, NULL)


cdef inline char _digit(unsigned char value) noexcept:
    return <char>(value + (48 if value < 10 else 87))


cdef inline bytes sealed(bytes memory):
    return memory
