"""Receipt handles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.aws.sqs.receipts import Receipt, make_handle, read_handle

RECEIPT = Receipt(7, 123_456_789, 3, 1_700_000_000_123)
HANDLE = make_handle(*RECEIPT)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**48 - 1))
def test_a_handle_says_what_went_into_it(number: int, sequence: int, attempts: int, at: int) -> None:
    handle = make_handle(number, sequence, attempts, at)
    assert read_handle(handle) == (number, sequence, attempts, at)
    assert "-" not in handle, "the extended client of Python cuts a handle there"
    assert len(handle) == 40


@pytest.mark.parametrize("place", range(40))
def test_a_handle_that_was_changed_anywhere_means_nothing(place: int) -> None:
    handle = make_handle(*RECEIPT)
    changed = handle[:place] + ("A" if handle[place] != "A" else "B") + handle[place + 1 :]
    assert read_handle(changed) is None


@pytest.mark.parametrize(
    "text", ["", "garbage", "AAAA", "ä", make_handle(*RECEIPT)[:-4], make_handle(*RECEIPT) + "AAAA"]
)
def test_anything_else_means_nothing(text: str) -> None:
    assert read_handle(text) is None
