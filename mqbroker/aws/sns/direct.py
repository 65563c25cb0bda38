"""Messages that go to one number or one device, and to no topic: they wait in a queue of their account's vhost."""

from mqbroker.aws.front.accounts import Accounts
from mqbroker.aws.sns import refusals
from mqbroker.aws.sns.delivery_policy import CUSTOMER
from mqbroker.aws.sns.gateway_targets import Gateways
from mqbroker.aws.sns.lane_target import lane_queue
from mqbroker.aws.sns.notification import SENDER
from mqbroker.aws.sns.properties import SnsProperties, make_sns_properties
from mqbroker.aws.sns.protocols import e164
from mqbroker.aws.sns.push import Pusher
from mqbroker.aws.sns.reports import Reports
from mqbroker.aws.sns.sms import SmsAccounts
from mqbroker.core.message import Entry, new_message
from mqbroker.core.vhost import VHost
from mqbroker.delivery.errors import DeliveryFailed
from mqbroker.delivery.lane import Lane, Workshop

QUEUE = "amq.sns/direct"


class DirectSender:
    """Sends them."""

    def __init__(
        self, accounts: Accounts, gateways: Gateways, sms: SmsAccounts, pusher: Pusher, reports: Reports,
        shop: Workshop,
    ) -> None:  # fmt: skip
        self._accounts = accounts
        self._gateways = gateways
        self._sms = sms
        self._pusher = pusher
        self._reports = reports
        self._shop = shop
        self._lanes: dict[str, Lane] = {}

    def send_to(
        self, account: str, address: str, text: str, message_id: bytes, now: int, attributes: bytes = b""
    ) -> None:
        """Sends a text to a number, or to the endpoint with that ARN. Raises AwsError while too much waits."""
        lane = self._lane(self._accounts.require(account), now)
        if lane.is_full:
            raise refusals.throttled("not able to send as fast as messages come")
        notice = {"topic": "", "at": now, "version": "1", "to": address, "account": account}
        properties = make_sns_properties(message_id, SENDER, notice, attributes=attributes)
        lane.queue.send(new_message("", QUEUE, properties, text.encode(), now), now)

    def begin(self, vhost: VHost, now: int) -> None:
        """The broker serves: what waits is sent."""
        if QUEUE in vhost.queues:
            self._lane(vhost, now)

    def _lane(self, vhost: VHost, now: int) -> Lane:
        found = self._lanes.get(vhost.name)
        if found is None or found.queue.is_deleted:
            found = self._lanes[vhost.name] = Lane(lane_queue(vhost, QUEUE, now), self, CUSTOMER, self._shop)
            found.begin(now)
        return found

    # --- Endpoint -----------------------------------------------------------------------------------------------------

    async def send(self, entry: Entry) -> int:
        """Endpoint's."""
        properties, content = entry.message.properties, entry.message.content()
        if not isinstance(properties, SnsProperties) or "to" not in properties.notice:
            raise DeliveryFailed("another client has put this message here", is_permanent=True)
        address = properties.notice["to"]
        if address.startswith("arn:"):
            return await self._pusher.push(properties.notice["account"], address, properties, content)
        account = self._sms.of(properties.notice["account"])
        account.require_reachable(address)
        sender = account.sender_of(properties.attributes)
        return await self._gateways.send_sms(e164(address), content.decode(), sender, properties.message_id)

    def delivered(self, entry: Entry, status: int, now: int) -> None:
        """Endpoint's."""
        self._note(entry, status, "", now)

    def given_up(self, entry: Entry, error: DeliveryFailed, now: int) -> None:
        """Endpoint's."""
        self._note(entry, error.status, error.reason, now)
        properties = entry.message.properties
        if isinstance(properties, SnsProperties) and "to" in properties.notice:
            account, address = properties.notice["account"], properties.notice["to"]
            self._pusher.given_up(account, address, properties, error, entry.attempts, now)

    def _note(self, entry: Entry, status: int, reason: str, now: int) -> None:
        properties = entry.message.properties
        if isinstance(properties, SnsProperties):
            account, address = (str(properties.notice.get(name, "")) for name in ("account", "to"))
            self._reports.note_direct(
                account, address, entry.message, properties.message_id, status, reason, now, entry.attempts
            )
