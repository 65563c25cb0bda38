"""Who gets in once it is clear who they are: from where, to which vhost, and how many of them. The same for every
protocol; how a refusal is said to the peer is theirs."""

from mqbroker.core.broker import Broker
from mqbroker.protocols.registry import Registry
from mqbroker.protocols.session import Peer


class Admission:
    """Decides for one broker."""

    def __init__(self, broker: Broker, registry: Registry, loopback_users: tuple[str, ...]) -> None:
        """`loopback_users` may log in only from this machine."""
        self._broker = broker
        self._registry = registry
        self._loopback_users = loopback_users

    def why_refused(self, user: str, peer: Peer, is_right: bool) -> str:
        """The reason why a user does not get in, for the log alone, because the peer must not learn it; empty when they
        do. `is_right`: they have shown that they are this user."""
        if not is_right:
            return "the password is wrong" if user in self._broker.access.users else "there is no such user"
        if user in self._loopback_users and not peer.is_loopback:
            return "they may only connect from this machine; take them out of security.loopback_users to allow more"
        return ""

    def check_vhost(self, user: str, vhost: str) -> None:
        """Whether a user may open one more session in a vhost that exists. Raises AccessRefused, NotAllowed."""
        broker, registry = self._broker, self._registry
        broker.access.check_vhost(user, vhost)
        broker.limits_of(vhost).check_connections(vhost, user, registry.vhost_count(vhost))
        broker.access.user(user).limits.check_connections(user, registry.user_count(user))

    def check_channels(self, user: str) -> None:
        """Raises NotAllowed when one more channel is too many for the user. Counts only where there is a limit."""
        limits = self._broker.access.user(user).limits
        if limits.max_channels >= 0:
            limits.check_channels(user, self._registry.channel_count(user))
