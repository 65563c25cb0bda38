"""What is kept of what was found out lately."""

from mqbroker.core.recent import remember


def test_a_publisher_with_many_keys_does_not_pay_for_all_of_them_at_once() -> None:
    """The bug: at the 4,097th key a cache was emptied, and every key had to be looked up anew."""
    known: dict[int, int] = {}
    for key in range(1000):
        remember(known, key, key, 64)
    assert 56 < len(known) <= 64
    assert list(known) == list(range(1000 - len(known), 1000))


def test_as_many_as_may_be_kept_are_kept() -> None:
    known = {key: key for key in range(64)}
    assert remember(known, 0, 5, 64) == 5  # another value of the same key needs no room
    assert len(known) == 64


def test_a_bound_of_one_holds() -> None:
    known: dict[int, int] = {}
    for key in range(3):
        remember(known, key, key, 1)
    assert known == {2: 2}
