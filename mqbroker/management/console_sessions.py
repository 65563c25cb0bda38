"""Log-ins of the console: a random token in a cookie, and who it stands for, kept here and nowhere else.

One ends when its time is up, when its user logs out, is deleted or has another password, and with the broker.
"""

import secrets
from dataclasses import dataclass

from mqbroker.core.access.access import Access
from mqbroker.management.limits import SESSIONS_MAX

COOKIE = "mqbroker_session"
_TOKEN_BYTES = 32


@dataclass(slots=True)
class ConsoleSession:
    """One log-in."""

    user: str
    password_hash: str
    """Empty while the password of a new user of the configuration is being hashed, after the first start."""
    expires_at: int


class ConsoleSessions:
    """All of them."""

    def __init__(self, access: Access, timeout_min: int) -> None:
        self._access = access
        self._timeout_ms = timeout_min * 60_000
        self._sessions: dict[str, ConsoleSession] = {}

    @property
    def timeout_s(self) -> int:
        """How long one lasts."""
        return self._timeout_ms // 1000

    def begin(self, user: str, now: int) -> str:
        """The token of a new one. With too many, the oldest ends."""
        for token in [each for each, session in self._sessions.items() if session.expires_at <= now]:
            del self._sessions[token]
        if len(self._sessions) >= SESSIONS_MAX:
            del self._sessions[next(iter(self._sessions))]
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        kept = self._access.user(user).password_hash
        self._sessions[token] = ConsoleSession(user, kept, now + self._timeout_ms)
        return token

    def user_of(self, token: str, now: int) -> str:
        """Whose it is; empty when it is nobody's any more."""
        session = self._sessions.get(token)
        if session is None:
            return ""
        user = self._access.users.get(session.user)
        if user is not None and not session.password_hash:
            session.password_hash = user.password_hash
        if session.expires_at <= now or user is None or user.password_hash != session.password_hash:
            del self._sessions[token]
            return ""
        return session.user

    def end(self, token: str) -> None:
        """Its user logs out."""
        self._sessions.pop(token, None)
