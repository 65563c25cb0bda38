"""A standby that catches up leaves most of the loop to who publishes, and catches up all the same."""

from mqbroker.replication.pace import LOOK_MS, SHARES, Pace


def test_who_writes_has_three_quarters_of_the_loop() -> None:
    """Catching up halved the rate of publishing."""
    pace = Pace(0)
    rests = [pace.rest(1.0, 1000 + at, 10 * at, at * 100) for at in range(1, 90)]
    assert set(rests) == {SHARES[0]}


def test_others_have_half_of_it() -> None:
    pace = Pace(0)
    pace.rest(1.0, 1000, 10, 1)
    assert pace.rest(1.0, 1000, 20, 2) == 1.0


def test_a_standby_that_comes_no_nearer_gets_more() -> None:
    """Who published faster than it could follow left the second copy out for ever."""
    pace = Pace(0)
    rests = [pace.rest(1.0, 1000 + 10 * at, 5 * at, at * LOOK_MS) for at in range(1, 9)]
    assert rests == [SHARES[0], SHARES[1], *[SHARES[2]] * 6]


def test_one_that_comes_nearer_does_not() -> None:
    pace = Pace(0)
    rests = [pace.rest(1.0, 1000 + 5 * at, 10 * at, at * LOOK_MS) for at in range(1, 9)]
    assert set(rests) == {SHARES[0]}
