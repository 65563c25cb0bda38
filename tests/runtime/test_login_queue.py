"""Who guesses passwords delays nobody else: addresses take turns, and so do users of one address."""

from mqbroker.limits import LOGIN_DELAY_MS_FIRST, LOGIN_DELAY_MS_MAX, LOGIN_OFFENDERS_MAX, LOGIN_OFFENDERS_MS
from mqbroker.runtime.login_queue import LoginQueue

NOW = 1_700_000_000_000


def drain(queue: LoginQueue[str], now: int = NOW) -> list[str]:
    found = []
    while (item := queue.take(now)) is not None:
        found.append(item)
    return found


def test_a_right_login_waits_for_one_guess_from_each_other_address_and_not_for_all_of_them() -> None:
    """1,024 wrong log-ins in 0.7 s: right ones were cut or refused for 110 s and more."""
    queue: LoginQueue[str] = LoginQueue()
    for number in range(1000):
        queue.put("10.0.0.66", f"user{number}", "guess")
    queue.put("10.0.0.1", "shop", "right")
    assert drain(queue).index("right") == 1


def test_users_of_one_address_take_turns() -> None:
    queue: LoginQueue[str] = LoginQueue()
    for number in range(100):
        queue.put("127.0.0.1", "guest", f"guess {number}")
    queue.put("127.0.0.1", "shop", "right")
    assert drain(queue).index("right") == 1


def test_what_came_last_is_checked_first_for_the_same_user_and_address() -> None:
    """Otherwise a right log-in would wait for every guess that came before it."""
    queue: LoginQueue[str] = LoginQueue()
    for item in ("first", "second", "third"):
        queue.put("127.0.0.1", "guest", item)
    assert drain(queue) == ["third", "second", "first"]


def test_the_delay_grows_with_each_wrong_password_and_ends_with_a_right_one() -> None:
    queue: LoginQueue[str] = LoginQueue()
    delays = []
    for _ in range(8):
        queue.was_wrong("a", "guest", NOW)
        queue.put("a", "guest", "guess")
        delays.append(queue.next_at() - NOW if queue.take(NOW) is None else 0)
        drain(queue, NOW + LOGIN_DELAY_MS_MAX)
    doubled = [LOGIN_DELAY_MS_FIRST << number for number in range(4)]
    assert delays == [0, 0, *doubled, LOGIN_DELAY_MS_MAX, LOGIN_DELAY_MS_MAX]
    queue.was_right("a", "guest")
    queue.put("a", "guest", "right")
    assert queue.take(NOW) == "right"


def test_a_delay_concerns_one_user_from_one_address() -> None:
    queue: LoginQueue[str] = LoginQueue()
    for _ in range(10):
        queue.was_wrong("a", "guest", NOW)
    queue.put("a", "guest", "delayed")
    queue.put("a", "shop", "another user")
    queue.put("b", "guest", "another address")
    assert sorted(drain(queue)) == ["another address", "another user"]
    assert drain(queue, NOW + LOGIN_DELAY_MS_MAX) == ["delayed"]


def test_wrong_passwords_are_forgotten_after_a_time() -> None:
    queue: LoginQueue[str] = LoginQueue()
    for _ in range(10):
        queue.was_wrong("a", "guest", NOW)
    later = NOW + LOGIN_DELAY_MS_MAX + LOGIN_OFFENDERS_MS + 1
    queue.was_wrong("a", "guest", later)
    queue.put("a", "guest", "guess")
    assert queue.take(later) == "guess"


def test_no_more_offenders_are_remembered_than_the_limit_says() -> None:
    queue: LoginQueue[str] = LoginQueue()
    for number in range(LOGIN_OFFENDERS_MAX + 10):
        queue.was_wrong(f"address {number}", "guest", NOW)
    assert len(queue._offenders) == LOGIN_OFFENDERS_MAX
