"""The open sessions of all protocols by user and vhost: for limits, and for operators, who see them or end them."""

from mqbroker.core.events import Events
from mqbroker.protocols.session import Session


class Registry:
    """The sessions that are open for a user in a vhost."""

    def __init__(self) -> None:
        self.events = Events()
        """Told who comes and goes: the broker's, once there is one."""
        self._names: dict[Session, tuple[str, str]] = {}
        self._by_user: dict[str, int] = {}
        self._by_vhost: dict[str, int] = {}

    def opened(self, session: Session, user: str, vhost: str) -> None:
        """A session is open for a user in a vhost."""
        self._names[session] = user, vhost
        self._by_user[user] = self.user_count(user) + 1
        self._by_vhost[vhost] = self.vhost_count(vhost) + 1
        self._tell("session.opened", session, user, vhost)

    def closed(self, session: Session) -> None:
        """It has gone; one that was never open is passed over."""
        names = self._names.pop(session, None)
        if names is not None:
            self._by_user[names[0]] -= 1
            self._by_vhost[names[1]] -= 1
            self._tell("session.closed", session, *names)

    def _tell(self, event: str, session: Session, user: str, vhost: str) -> None:
        self.events.tell(event, session=session.label(), protocol=session.protocol, user=user, vhost=vhost)

    def user_count(self, user: str) -> int:
        """Open sessions of a user."""
        return self._by_user.get(user, 0)

    def vhost_count(self, vhost: str) -> int:
        """Open sessions in a vhost."""
        return self._by_vhost.get(vhost, 0)

    def channel_count(self, user: str) -> int:
        """Open channels of a user, on all sessions."""
        return sum(session.channel_count() for session in self.of_user(user))

    def all(self) -> list[Session]:
        """Every open session."""
        return list(self._names)

    def is_of_user(self, session: Session, user: str) -> bool:
        """Whether it is open for this user."""
        return self._names.get(session, ("", ""))[0] == user

    def user_of(self, session: Session) -> str:
        """Whose it is; empty when it is not open."""
        return self._names.get(session, ("", ""))[0]

    def of_user(self, user: str) -> list[Session]:
        """The open sessions of a user."""
        return [session for session, (owner, _) in self._names.items() if owner == user]

    def of_vhost(self, vhost: str) -> list[Session]:
        """The open sessions in a vhost."""
        return [session for session, (_, place) in self._names.items() if place == vhost]

    def end_user(self, user: str, now: int) -> None:
        """The user is deleted: nobody goes on as one who no longer exists."""
        for session in self.of_user(user):
            session.end(f"user '{user}' is deleted", now)

    def end_vhost(self, vhost: str, now: int) -> None:
        """The vhost is deleted, and nothing in it can be used any more."""
        for session in self.of_vhost(vhost):
            session.end(f"vhost '{vhost}' is deleted", now)
