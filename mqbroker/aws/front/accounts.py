"""Which vhost an AWS account is. An account without an entry is the vhost that has its id as its name."""

from collections.abc import Mapping

from mqbroker.core.broker import Broker
from mqbroker.core.vhost import VHost


class Accounts:
    """Finds the vhost of an account. `vhosts` maps account ids to vhosts' names."""

    def __init__(self, broker: Broker, vhosts: Mapping[str, str], makes_vhosts: bool) -> None:
        """`makes_vhosts`: an account that has no vhost yet gets one when it first needs it (development)."""
        self._broker = broker
        self._vhosts = vhosts
        self._makes_vhosts = makes_vhosts

    def name_of(self, account: str) -> str:
        """The name of the account's vhost, whether that exists or not."""
        return self._vhosts.get(account, account)

    def find(self, account: str) -> VHost | None:
        """The account's vhost, if there is one."""
        return self._broker.vhosts.get(self.name_of(account))

    def require(self, account: str) -> VHost:
        """The account's vhost, made if that is allowed. Raises NotFound."""
        name = self.name_of(account)
        return self._broker.add_vhost(name) if self._makes_vhosts else self._broker.vhost(name)
