"""CBOR against botocore's own reading and writing, and documents that are none."""

import struct
from contextlib import suppress
from typing import Any

import pytest
from botocore import parsers, serialize  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.aws.front import cbor
from mqbroker.aws.limits import CBOR_DEPTH_MAX

needs_cbor = pytest.mark.skipif(not hasattr(parsers, "RpcV2CBORParser"), reason="this botocore has no CBOR")
VALUES = st.recursive(
    st.booleans() | st.integers(-(1 << 64), (1 << 64) - 1) | st.text() | st.binary() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)

# RFC 8949, appendix A
EXAMPLES = {
    "00": 0, "17": 23, "1818": 24, "1903e8": 1000, "1bffffffffffffffff": 18446744073709551615,
    "20": -1, "3863": -100, "3bffffffffffffffff": -18446744073709551616,
    "f90000": 0.0, "f93c00": 1.0, "f97bff": 65504.0, "fa47c35000": 100000.0, "fb3ff199999999999a": 1.1,
    "f97c00": float("inf"), "f4": False, "f5": True, "f6": None, "f7": None,
    "c11a514b67b0": 1363896240, "c1fb41d452d9ec200000": 1363896240.5,
    "4401020304": b"\x01\x02\x03\x04", "6449455446": "IETF", "62c3bc": "\u00fc", "80": [], "83010203": [1, 2, 3],
    "a26161016162820203": {"a": 1, "b": [2, 3]}, "5f42010243030405ff": b"\x01\x02\x03\x04\x05",
    "7f657374726561646d696e67ff": "streaming", "9fff": [], "9f018202039f0405ffff": [1, [2, 3], [4, 5]],
    "bf61610161629f0203ffff": {"a": 1, "b": [2, 3]}, "826161bf61626163ff": ["a", {"b": "c"}],
}  # fmt: skip


@pytest.mark.parametrize(("document", "value"), EXAMPLES.items())
def test_the_examples_of_the_rfc(document: str, value: object) -> None:
    data = bytes.fromhex(document)
    assert cbor.decode(data) == value
    for end in range(len(data)):
        with pytest.raises(ValueError, match=r"."):
            cbor.decode(data[:end])
    with pytest.raises(ValueError, match="follows"):
        cbor.decode(data + b"\x00")


@pytest.mark.parametrize(
    "document",
    [
        "1c", "ff", "f8ff", "f0", "c074323031332d30332d32315432303a30343a30305a", "c16161", "c2420100", "a1010",
        "a2616101616102", "5f6161ff", "5f5f4101ffff", "62c328", "9bffffffffffffffff", "bbffffffffffffffff",
        "5bffffffffffffffff",        "9f", "bf6161", "81" * (CBOR_DEPTH_MAX + 2) + "00",
    ],
)  # fmt: skip
def test_what_is_no_document_is_refused(document: str) -> None:
    """Lengths of the sender's would be believed, and deep documents overflow the stack."""
    with pytest.raises(ValueError, match=r"."):
        cbor.decode(bytes.fromhex(document if len(document) % 2 == 0 else document + "0"))


@given(st.binary(max_size=200))
def test_any_octets_are_read_or_refused(data: bytes) -> None:
    with suppress(ValueError):
        cbor.decode(data)


@given(VALUES)
def test_what_was_written_is_read(value: Any) -> None:
    assert cbor.decode(cbor.encode(value)) == value


@needs_cbor
@given(st.dictionaries(st.text(), VALUES))
def test_botocore_reads_what_is_written(value: dict[str, Any]) -> None:
    assert parsers.RpcV2CBORParser().parse_data_item(_Stream(cbor.encode(value))) == value


@needs_cbor
@given(st.text() | st.binary() | st.integers(-(1 << 63), (1 << 63) - 1) | st.booleans())
def test_what_botocore_writes_is_read(value: Any) -> None:
    written = bytearray()
    serializer = serialize.CBORSerializer()
    if isinstance(value, bool):
        serializer._serialize_type_boolean(written, value, None, None)
    elif isinstance(value, int):
        serializer._serialize_type_integer(written, value, None, None)
    elif isinstance(value, bytes):
        serializer._serialize_type_blob(written, value, None, None)
    else:
        serializer._serialize_type_string(written, value, None, None)
    assert cbor.decode(bytes(written)) == value


def test_times_are_tagged_numbers() -> None:
    assert cbor.encode(cbor.Time(1363896240.5)).hex() == "c1fb41d452d9ec200000"
    assert cbor.encode({"a": None, "b": struct.pack("B", 1)}).hex() == "a161624101"


def test_what_has_no_form_is_not_written() -> None:
    with pytest.raises(TypeError):
        cbor.encode(object())
    with pytest.raises(OverflowError):
        cbor.encode(1 << 64)


class _Stream:
    """What botocore's parser reads from."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def read(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]

    def peek(self, count: int) -> bytes:
        return self.data[self.at : self.at + count]

    def tell(self) -> int:
        return self.at

    def seek(self, place: int) -> None:
        self.at = place


@pytest.mark.parametrize(
    ("head", "value", "tail"), [(b"\x9a%b", b"\x80", b""), (b"\x9f", b"\xf6", b"\xff"), (b"\x5f", b"\x40", b"\xff")]
)
def test_values_are_counted(monkeypatch: pytest.MonkeyPatch, head: bytes, value: bytes, tail: bytes) -> None:
    """Four million empty arrays, of an octet each, held everybody up for seconds and took 250 MB."""
    monkeypatch.setattr(cbor, "CBOR_VALUES_MAX", 1000)

    def document(count: int) -> bytes:
        return (head % count.to_bytes(4, "big") if b"%" in head else head) + value * count + tail

    cbor.decode(document(999))
    with pytest.raises(ValueError, match="too many values"):
        cbor.decode(document(1001))
