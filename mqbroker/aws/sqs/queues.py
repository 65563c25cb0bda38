"""All SQS queues of the broker: found by name, URL and ARN, made, changed, deleted, and put back after a restart.

A queue is a polled queue in the vhost of its account. There it has its own name in the default region, and
`<region>/<name>` in any other, so that two regions may use the same one.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from mqbroker.aws.front.accounts import Accounts
from mqbroker.aws.limits import SQS_ATTRIBUTES_MS, SQS_DELETED_NAME_MS, SQS_URLS_REMEMBERED
from mqbroker.aws.sqs import refusals
from mqbroker.aws.sqs.clear_text import ClearText
from mqbroker.aws.sqs.envelopes import Envelopes
from mqbroker.aws.sqs.kinds import QUEUE
from mqbroker.aws.sqs.queue import SqsQueue
from mqbroker.aws.sqs.queue_attributes import check_attributes, check_name, effective, merged, wants_fifo
from mqbroker.aws.sqs.redrive import QueueArn, RedrivePolicy
from mqbroker.aws.sqs.tags import check_tags
from mqbroker.core import definitions
from mqbroker.core.broker import Broker
from mqbroker.core.queues.polled.kinds import polled_spec
from mqbroker.core.queues.polled.queue import PolledQueue
from mqbroker.core.queues.polled.settings import PollSettings
from mqbroker.core.rabbitmq.checks import check_reserved
from mqbroker.core.recent import remember
from mqbroker.errors import NotFound, PreconditionFailed, RequestRefused

# A host such as sqs.example.com names no region.
_REGION = r"[a-z]{2}(?:-[a-z]+){1,3}-[0-9]{1,2}"
_HOST_REGION = re.compile(rf"^https?://(?:sqs\.({_REGION})|({_REGION})\.queue)\.", re.IGNORECASE)


class SqsQueues:
    """The queues by region, account and name."""

    def __init__(
        self, broker: Broker, accounts: Accounts, region: str, is_strict: bool, is_encrypted: bool = True
    ) -> None:
        """`region` is the default one; `is_strict` that what only gets in the way of tests is as on AWS, such as that a
        deleted name rests for a minute.

        `is_encrypted`: nothing of a queue comes to a disk in clear text.
        """
        self.region = region
        self.clear_text = ClearText(is_encrypted)
        self.envelopes = Envelopes()
        self._broker = broker
        self._accounts = accounts
        self.is_strict = is_strict
        self._by_arn: dict[QueueArn, SqsQueue] = {}
        self._by_url: dict[tuple[str, str, str], SqsQueue] = {}
        self._deleted_at: dict[QueueArn, int] = {}

    def __iter__(self) -> Iterator[SqsQueue]:
        return iter([queue for queue in self._by_arn.values() if not queue.core.is_deleted])

    # --- finding ----------------------------------------------------------------------------------------------------

    def get(self, arn: QueueArn) -> SqsQueue | None:
        """The queue, unless it is gone: by AMQP it may be deleted behind our back."""
        queue = self._by_arn.get(arn)
        if queue is not None and queue.core.is_deleted:
            self._forget(queue)
            return None
        return queue

    def at_url(self, url: str, account: str, region: str) -> SqsQueue:
        """The queue that a QueueUrl means to a caller. Raises AwsError. A bare name is taken for one, as on AWS."""
        question = (url, account, region)
        queue = self._by_url.get(question)
        if queue is None or queue.core.is_deleted:
            queue = self.get(arn_at(url, account, region))
            if queue is None:
                raise refusals.queue_does_not_exist()
            remember(self._by_url, question, queue, SQS_URLS_REMEMBERED)
        return queue

    def url_of(self, queue: SqsQueue, base_url: str) -> str:
        """The QueueUrl of a queue for a client that reaches the broker at `base_url`.

        It has two parts in every region, as AWS's has: clients take it apart (Terraform refuses any other).
        """
        arn = queue.arn
        return f"{with_region(base_url, arn.region)}/{arn.account}/{arn.name}"

    def named(self, core_name: str, account: str) -> QueueArn:
        """The ARN of the queue with that name in the vhost of an account."""
        region, slash, name = core_name.partition("/")
        return QueueArn(region, account, name) if slash else QueueArn(self.region, account, core_name)

    def core_name(self, arn: QueueArn) -> str:
        """The name of the queue in its vhost."""
        return arn.name if arn.region == self.region else f"{arn.region}/{arn.name}"

    def vhost_name(self, account: str) -> str:
        """The vhost of an account, by name."""
        return self._accounts.name_of(account)

    def sources_of(self, target: SqsQueue) -> list[SqsQueue]:
        """The queues whose dead letters go to `target`, by name."""
        found = [queue for queue in self if queue.redrive is not None and queue.redrive.target == target.arn]
        return sorted(found, key=lambda queue: queue.name)

    def of(self, account: str, region: str, prefix: str = "") -> list[SqsQueue]:
        """The queues of an account in a region, by name."""
        found = [
            queue
            for queue in self
            if queue.arn.account == account and queue.arn.region == region and queue.name.startswith(prefix)
        ]
        return sorted(found, key=lambda queue: queue.name)

    # --- changing ---------------------------------------------------------------------------------------------------

    def create(self, arn: QueueArn, given: Mapping[str, str], tags: Mapping[str, str], now: int) -> SqsQueue:
        """Makes a queue that is not there, with the attributes and tags that are asked for. Raises AwsError."""
        is_fifo = wants_fifo(given)
        check_name(arn.name, is_fifo)
        check_tags(tags, arn.name)
        attributes = merged({}, check_attributes(given, is_fifo))
        deleted_at = self._deleted_at.pop(arn, None)
        if self.is_strict and deleted_at is not None and now < deleted_at + SQS_DELETED_NAME_MS:
            self._deleted_at[arn] = deleted_at
            raise refusals.queue_deleted_recently()
        self._check_redrive(arn, is_fifo, attributes)
        try:
            vhost = self._accounts.require(arn.account)
        except NotFound:
            raise refusals.invalid_value(f"The account {arn.account} has no vhost.") from None
        name = self.core_name(arn)
        try:
            check_reserved("queue", name)
            core = vhost.take_over(polled_spec(name, self._settings(arn, is_fifo, attributes), is_fifo), now)
        except PreconditionFailed as error:
            raise refusals.queue_of_another_protocol(name, vhost.name, str(error)) from None
        except RequestRefused as error:  # a limit of the vhost, or a name that it keeps for itself: amq.fifo
            raise refusals.unsupported(str(error)) from None
        assert isinstance(core, PolledQueue)
        queue = SqsQueue(arn, vhost, core, is_fifo, now // 1000, self.envelopes)
        queue.configure(attributes)
        queue.tags = dict(tags)
        self._by_arn[arn] = queue
        self.keep(queue)
        self.clear_text.check(arn, given)
        return queue

    def change(self, queue: SqsQueue, attributes: Mapping[str, str], now: int) -> None:
        """Gives a queue attributes that have been checked. Raises AwsError."""
        self._check_redrive(queue.arn, queue.is_fifo, attributes)
        queue.configure(attributes)
        queue.modified_s = now // 1000
        settings = self._settings(queue.arn, queue.is_fifo, attributes)
        scope = queue.core.settings_of_polling.deduplicates_by_group
        if self.is_strict and settings.deduplicates_by_group is not scope:
            # SetQueueAttributes takes up to a minute to be in force, and who changes the scope of ids relies on that:
            # what is sent meanwhile under the old one must not be taken twice.
            settings = replace(settings, deduplicates_by_group=scope)
            self._broker.timers.at(now + SQS_ATTRIBUTES_MS, lambda at: self._bring_in_force(queue, at))
        queue.vhost.change_polling(queue.core, settings, now)
        self.keep(queue)

    def _bring_in_force(self, queue: SqsQueue, now: int) -> None:
        """Has the core do what the attributes say, if it does not yet."""
        settings = self._settings(queue.arn, queue.is_fifo, queue.attributes)
        if not queue.core.is_deleted and settings != queue.core.settings_of_polling:
            queue.vhost.change_polling(queue.core, settings, now)

    def keep(self, queue: SqsQueue) -> None:
        """Tells the journal what the queue is like now."""
        value = {
            "account": queue.arn.account,
            "region": queue.arn.region,
            "attributes": queue.attributes,
            "tags": queue.tags,
            "created_s": queue.created_s,
            "modified_s": queue.modified_s,
        }
        self._broker.ledger.define(self._key(queue), definitions.pack(value))

    def delete(self, queue: SqsQueue, now: int) -> None:
        """Deletes a queue with its messages."""
        queue.vhost.delete_queue(queue.core.name)
        self._forget(queue)
        self._deleted_at = {arn: at for arn, at in self._deleted_at.items() if now < at + SQS_DELETED_NAME_MS}
        self._deleted_at[queue.arn] = now

    def _forget(self, queue: SqsQueue) -> None:
        del self._by_arn[queue.arn]
        self._by_url.clear()
        self._broker.ledger.define(self._key(queue), None)

    def _key(self, queue: SqsQueue) -> str:
        return definitions.key(QUEUE, queue.vhost.name, queue.core.name)

    # --- redrive ----------------------------------------------------------------------------------------------------

    def _check_redrive(self, source: QueueArn, is_fifo: bool, attributes: Mapping[str, str]) -> None:
        text = attributes.get("RedrivePolicy")
        if not text:
            return
        policy = RedrivePolicy.parse(text)
        target = policy.target
        if (target.account, target.region) != (source.account, source.region):
            raise RedrivePolicy.refusal(text, "Dead letter target owner and region should be same as the source.")
        found = self.get(target)
        if found is None:
            raise RedrivePolicy.refusal(text, "Dead letter target does not exist.")
        if found.is_fifo is not is_fifo:
            raise RedrivePolicy.refusal(text, "Dead-letter queue must be same type of queue as the source.")
        if found.allow_policy is not None and not found.allow_policy.allows(source):
            raise RedrivePolicy.refusal(text, "Dead letter target does not allow the source queue.")

    def _settings(self, _arn: QueueArn, is_fifo: bool, attributes: Mapping[str, str]) -> PollSettings:
        shown = effective(attributes, is_fifo)
        text = shown.get("RedrivePolicy")
        redrive = RedrivePolicy.parse(text) if text else None
        return PollSettings(
            visibility_ms=int(shown["VisibilityTimeout"]) * 1000,
            delay_ms=int(shown["DelaySeconds"]) * 1000,
            retention_ms=int(shown["MessageRetentionPeriod"]) * 1000,
            receive_max=redrive.receive_max if redrive else 0,
            dead_letter_queue=self.core_name(redrive.target) if redrive else "",
            deduplicates_by_content=shown.get("ContentBasedDeduplication") == "true",
            deduplicates_by_group=shown.get("DeduplicationScope") == "messageGroup",
        )

    # --- restart ----------------------------------------------------------------------------------------------------

    def restore(self, found: Mapping[str, bytes], now: int) -> None:
        """Puts back the queues that the journal kept; what AMQP deleted meanwhile is gone."""
        for names, data in definitions.of_kinds(found, (QUEUE,))[QUEUE]:
            self._restore_one(names[0], names[1], definitions.unpack(data), now)

    def _restore_one(self, vhost_name: str, core_name: str, value: Mapping[str, object], now: int) -> None:
        vhost = self._broker.vhosts.get(vhost_name)
        core = None if vhost is None else vhost.queues.get(core_name)
        if vhost is None or not isinstance(core, PolledQueue):
            self._broker.ledger.define(definitions.key(QUEUE, vhost_name, core_name), None)
            return
        attributes, tags = value["attributes"], value["tags"]
        created_s, modified_s = value["created_s"], value["modified_s"]
        assert isinstance(attributes, dict)
        assert isinstance(tags, dict)
        assert isinstance(created_s, int)
        assert isinstance(modified_s, int)
        name = core_name.rpartition("/")[2]
        arn = QueueArn(str(value["region"]), str(value["account"]), name)
        queue = SqsQueue(arn, vhost, core, "FifoQueue" in attributes, created_s, self.envelopes)
        queue.configure(attributes)
        queue.tags = tags
        queue.modified_s = modified_s
        self._by_arn[arn] = queue
        self._bring_in_force(queue, now)


def arn_at(url: str, account: str, region: str) -> QueueArn:
    """The queue that a URL means: `/<account>/<name>`, or a bare name.

    `sqs.<region>.` or `<region>.queue.` at the beginning of the host names the region. What the URL leaves out is the
    caller's own: `region` is the one that the request was signed for. Clients may have two more forms in their
    configuration: `/queue/<region>/<account>/<name>`, which was given out up to 0.1.0 and is LocalStack's, and
    `/queue/<name>`, which is ElasticMQ's. Raises AwsError for what is no URL at all.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that hold no address of IPv6
        raise refusals.queue_does_not_exist() from None
    steps = [unquote(step) for step in parts.path.split("/") if step]
    if len(steps) == 4 and steps[0] == "queue":
        return QueueArn(steps[1], steps[2], steps[3])
    named = _HOST_REGION.search(url)
    region = region if named is None else (named[1] or named[2]).lower()
    if len(steps) == 2:
        return QueueArn(region, account if steps[0] == "queue" else steps[0], steps[1])
    return QueueArn(region, account, steps[0] if len(steps) == 1 else "")


def with_region(base_url: str, region: str) -> str:
    """The URL of a host that names its region as the URL of the same host for another region."""
    found = _HOST_REGION.search(base_url)
    if found is None:
        return base_url
    start, end = found.span(1 if found[1] else 2)
    return f"{base_url[:start]}{region}{base_url[end:]}"
