"""Who calls: what their tags let them see, and what their permissions let them do.

Tags open parts of the API; for declaring, deleting, publishing and getting, the permissions of AMQP count, and tags add
nothing to them. The owner of the data directory, who comes by the local socket, may do everything.
"""

from collections.abc import Iterable

from mqbroker.core.access.access import Access
from mqbroker.core.broker import Broker
from mqbroker.core.vhost import VHost
from mqbroker.management.refusals import unauthorised

MANAGEMENT, POLICYMAKER, MONITORING, ADMINISTRATOR = "management", "policymaker", "monitoring", "administrator"

_GRANTED = {
    MANAGEMENT: {MANAGEMENT, POLICYMAKER, MONITORING, ADMINISTRATOR},
    POLICYMAKER: {POLICYMAKER, ADMINISTRATOR},
    MONITORING: {MONITORING, ADMINISTRATOR},
    ADMINISTRATOR: {ADMINISTRATOR},
}
_REFUSED = {
    MANAGEMENT: "Not management user",
    POLICYMAKER: "Not policymaker user",
    MONITORING: "Not monitor user",
    ADMINISTRATOR: "Not administrator user",
}


class Caller:
    """Somebody who has shown who they are."""

    def __init__(self, name: str, tags: Iterable[str], broker: Broker, is_owner: bool = False) -> None:
        self.name = name
        self.tags = frozenset(tags)
        self.is_owner = is_owner
        """Whether it is the owner of the data directory, who need not be a user."""
        self._broker = broker

    @property
    def _access(self) -> Access:
        return self._broker.access

    def has(self, tag: str) -> bool:
        """Whether a part of the API that is for this tag is open to them."""
        return self.is_owner or not self.tags.isdisjoint(_GRANTED[tag])

    def require(self, tag: str) -> None:
        """Raises Refusal unless it is."""
        if not self.has(tag):
            raise unauthorised(_REFUSED[tag])

    # --- vhosts -----------------------------------------------------------------------------------------------------

    def may_use(self, vhost: str) -> bool:
        """Whether they have some permission in the vhost, even an empty one."""
        user = self._access.users.get(self.name)
        return self.is_owner or (user is not None and vhost in user.permissions)

    def may_see(self, vhost: str) -> bool:
        """Whether they may know of the vhost."""
        return self.has(MONITORING) or self.may_use(vhost)

    def usable(self) -> list[VHost]:
        """The vhosts whose objects they are shown in lists: also monitoring needs a permission for that."""
        return [vhost for name, vhost in self._broker.vhosts.items() if self.may_use(name)]

    def visible(self) -> list[VHost]:
        """The vhosts that they may know of."""
        return [vhost for name, vhost in self._broker.vhosts.items() if self.may_see(name)]

    def require_vhost(self, vhost: str) -> None:
        """Raises Refusal unless they may know of the vhost."""
        if not self.may_see(vhost):
            raise unauthorised("User not authorised to access virtual host")

    def require_use(self, vhost: str) -> None:
        """Raises Refusal unless they may do anything in the vhost."""
        if not self.may_use(vhost):
            raise unauthorised("User not authorised to access virtual host")

    # --- permissions of AMQP ------------------------------------------------------------------------------------------

    def check(self, action: str, vhost: str, kind: str, name: str) -> None:
        """Raises AccessRefused unless they may `configure`, `write` or `read` this `queue` or `exchange`."""
        if not self.is_owner:
            checks = {
                "configure": self._access.check_configure,
                "write": self._access.check_write,
                "read": self._access.check_read,
            }
            checks[action](self.name, vhost, kind, name)

    def check_topic(self, action: str, vhost: str, exchange: str, key: str) -> None:
        """Raises AccessRefused unless they may `write` or `read` with this key at a topic exchange."""
        if not self.is_owner:
            check = self._access.check_topic_write if action == "write" else self._access.check_topic_read
            check(self.name, vhost, exchange, key)
