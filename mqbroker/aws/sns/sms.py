"""Text messages: the settings of each account, numbers that want none, and those of its sandbox.

No account is in the sandbox until somebody has put a number into it; then no other
number is sent to.
"""

from collections.abc import Mapping
from typing import Any

from mqbroker.aws.sns.kinds import SMS
from mqbroker.aws.sns.protocols import e164
from mqbroker.aws.sqs.message_attributes import STRING, unpack
from mqbroker.core import definitions
from mqbroker.core.ledger import Ledger
from mqbroker.delivery.errors import DeliveryFailed

PENDING = "Pending"
VERIFIED = "Verified"


_STOP = frozenset((
    "ARRET", "CANCEL", "END", "OPT-OUT", "OPTOUT", "QUIT", "REMOVE", "STOP", "TD", "UNSUBSCRIBE",
))  # fmt: skip
"""What a user writes who wants no more messages (SNS Developer Guide, "Opting out of receiving SMS messages")."""
_SENDER = "AWS.SNS.SMS.SenderID"
_EVERYBODY = "*"  # what an account begins with that is not known yet


class SmsAccount:
    """What one account has."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        self.attributes: dict[str, str] = dict(value.get("attributes", {}))
        self.opted_out: dict[str, int] = dict(value.get("opted_out", {}))
        """Numbers that want no messages, with when they have said so."""
        self.sandbox: dict[str, str] = dict(value.get("sandbox", {}))
        """Numbers of the sandbox, PENDING or VERIFIED."""

    def sender_of(self, attributes: bytes) -> str:
        """What a message with these message attributes says it is from."""
        for name, _, tag, value in unpack(attributes):
            if name == _SENDER and tag == STRING:
                return value.decode()
        return self.attributes.get("DefaultSenderID", "NOTICE")

    def require_reachable(self, phone: str) -> None:
        """Raises DeliveryFailed for a number that is not sent to."""
        number = e164(phone)
        if number in self.opted_out:
            raise DeliveryFailed("Phone number is opted out", is_permanent=True)
        if self.sandbox and number not in self.sandbox:
            raise DeliveryFailed("The phone number is not in the SMS sandbox", is_permanent=True)


class SmsAccounts:
    """The accounts of one broker."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._by_id: dict[str, SmsAccount] = {}

    def of(self, account: str) -> SmsAccount:
        """What an account has."""
        found = self._by_id.get(account)
        if found is None:
            everybody = self._by_id.get(_EVERYBODY)
            opted_out = {} if everybody is None else everybody.opted_out
            found = self._by_id[account] = SmsAccount({"opted_out": opted_out})
        return found

    def keep(self, account: str) -> None:
        """Tells the journal what an account has now."""
        found = self.of(account)
        value = {"attributes": found.attributes, "opted_out": found.opted_out, "sandbox": found.sandbox}
        self._ledger.define(definitions.key(SMS, account), definitions.pack(value))

    def heard(self, phone: str, text: str, now: int) -> None:
        """A user has written back. All accounts send by one gateway, so whoever wants no more is sent to by none."""
        if text.strip().upper() in _STOP:
            self.of(_EVERYBODY)
            for account, found in self._by_id.items():
                found.opted_out[phone] = now
                self.keep(account)

    def restore(self, found: Mapping[str, bytes]) -> None:
        """Takes over what the journal kept."""
        for (account,), data in definitions.of_kinds(found, (SMS,))[SMS]:
            self._by_id[account] = SmsAccount(definitions.unpack(data))
