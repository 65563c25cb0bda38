"""Who stays logged in to the console, and who does not."""

from mqbroker.core.access.access import Access
from mqbroker.management.console_sessions import ConsoleSessions


def test_a_log_in_before_the_password_is_hashed_lasts_and_ends_with_another_password() -> None:
    """Who was quick after the first start was logged out as soon as the password of the configuration was hashed."""
    access = Access()
    access.put_user("guest", "")
    sessions = ConsoleSessions(access, 10)
    token = sessions.begin("guest", 0)
    assert sessions.user_of(token, 1) == "guest"
    access.put_user("guest", "hash")
    assert sessions.user_of(token, 2) == "guest"
    access.put_user("guest", "another hash")
    assert sessions.user_of(token, 3) == ""
