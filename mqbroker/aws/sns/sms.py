"""Text messages: the settings of each account, numbers that want none, and those of its sandbox.

No account is in the sandbox until somebody has put a number into it; then no other
number is sent to.
"""

from collections.abc import Mapping
from typing import Any

from mqbroker.aws.sns.kinds import SMS
from mqbroker.core import definitions
from mqbroker.core.ledger import Ledger
from mqbroker.delivery.errors import DeliveryFailed

PENDING = "Pending"
VERIFIED = "Verified"


class SmsAccount:
    """What one account has."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        self.attributes: dict[str, str] = dict(value.get("attributes", {}))
        self.opted_out: dict[str, int] = dict(value.get("opted_out", {}))
        """Numbers that want no messages, with when they have said so."""
        self.sandbox: dict[str, str] = dict(value.get("sandbox", {}))
        """Numbers of the sandbox, PENDING or VERIFIED."""

    @property
    def sender(self) -> str:
        """What messages say they are from."""
        return self.attributes.get("DefaultSenderID", "NOTICE")

    def require_reachable(self, phone: str) -> None:
        """Raises DeliveryFailed for a number that is not sent to."""
        if phone in self.opted_out:
            raise DeliveryFailed("Phone number is opted out", is_permanent=True)
        if self.sandbox and phone not in self.sandbox:
            raise DeliveryFailed("The phone number is not in the SMS sandbox", is_permanent=True)


class SmsAccounts:
    """The accounts of one broker."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._by_id: dict[str, SmsAccount] = {}

    def of(self, account: str) -> SmsAccount:
        """What an account has."""
        found = self._by_id.get(account)
        return self._by_id.setdefault(account, SmsAccount({})) if found is None else found

    def keep(self, account: str) -> None:
        """Tells the journal what an account has now."""
        found = self.of(account)
        value = {"attributes": found.attributes, "opted_out": found.opted_out, "sandbox": found.sandbox}
        self._ledger.define(definitions.key(SMS, account), definitions.pack(value))

    def restore(self, found: Mapping[str, bytes]) -> None:
        """Takes over what the journal kept."""
        for (account,), data in definitions.of_kinds(found, (SMS,))[SMS]:
            self._by_id[account] = SmsAccount(definitions.unpack(data))
