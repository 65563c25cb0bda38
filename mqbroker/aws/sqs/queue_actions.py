"""The actions on queues themselves: create, find, list, change, tag, purge, delete, and who may use them."""

from base64 import b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

from mqbroker.aws.front.call import Call
from mqbroker.aws.front.parameters import missing_parameter
from mqbroker.aws.limits import SQS_LIST_RESULTS_MAX, SQS_PURGE_INTERVAL_MS
from mqbroker.aws.policy.authorization import authorize
from mqbroker.aws.policy.edits import add_permission, remove_permission
from mqbroker.aws.sqs import refusals
from mqbroker.aws.sqs.message_attributes import is_all
from mqbroker.aws.sqs.queue import SqsQueue
from mqbroker.aws.sqs.queue_attributes import (
    FIFO,
    MEASURED,
    STANDARD,
    check_attributes,
    effective,
    first_difference,
    known,
    merged,
    wants_fifo,
)
from mqbroker.aws.sqs.redrive import QueueArn
from mqbroker.aws.sqs.rights import SQS_RIGHTS
from mqbroker.aws.sqs.service import SqsService
from mqbroker.aws.sqs.tags import TAG_KEY_MAX, check_tags


class QueueActions:
    """CreateQueue to RemovePermission."""

    def __init__(self, service: SqsService) -> None:
        self._service = service
        self._queues = service.queues

    # --- create, find, list, delete ---------------------------------------------------------------------------------

    def create_queue(self, call: Call) -> None:
        """CreateQueue. The same again, with no attribute that differs, finds the queue that is there."""
        name: str = call.parameters["QueueName"]
        given = self._given(call.parameters.get("Attributes", {}))
        arn = QueueArn(call.caller.region, call.caller.account, name)
        self._check_account(call, arn)
        queue = self._queues.get(arn)
        if queue is not None:
            self._check_same(queue, given)
            self._queues.clear_text.check(arn, given)
        else:
            queue = self._queues.create(arn, given, call.parameters.get("tags", {}), call.now)
        call.answer_when_safe(self._service.ledger, {"QueueUrl": self._queues.url_of(queue, call.base_url)})

    def _given(self, attributes: dict[str, str]) -> dict[str, str]:
        return attributes if self._queues.is_strict else known(attributes)

    def _check_same(self, queue: SqsQueue, given: dict[str, str]) -> None:
        if wants_fifo(given) and not queue.is_fifo:
            raise refusals.queue_exists("FifoQueue")
        wanted = check_attributes(given, queue.is_fifo)
        difference = first_difference(wanted, effective(queue.attributes, queue.is_fifo))
        if difference is not None:
            raise refusals.queue_exists(difference)

    def _check_account(self, call: Call, arn: QueueArn) -> None:
        """For what concerns no queue that is there, or many: the caller's own account, by the permissions in it."""
        vhost = self._queues.vhost_name(arn.account)
        authorize(
            self._service.broker.access, call.caller, arn.account, vhost, SQS_RIGHTS[call.action.name],
            self._queues.core_name(arn), str(arn), None,
        )  # fmt: skip

    def get_queue_url(self, call: Call) -> None:
        """GetQueueUrl."""
        account = call.parameters.get("QueueOwnerAWSAccountId") or call.caller.account
        queue = self._queues.get(QueueArn(call.caller.region, account, call.parameters["QueueName"]))
        if queue is None:
            raise refusals.queue_does_not_exist()
        self._service.check(call, queue)
        call.answer({"QueueUrl": self._queues.url_of(queue, call.base_url)})

    def list_queues(self, call: Call) -> None:
        """ListQueues."""
        caller = call.caller
        self._check_account(call, QueueArn(caller.region, caller.account, ""))
        found = self._queues.of(caller.account, caller.region, call.parameters.get("QueueNamePrefix", ""))
        self._answer_page(call, found, "QueueUrls")

    def list_dead_letter_source_queues(self, call: Call) -> None:
        """ListDeadLetterSourceQueues."""
        queue = self._service.queue_of(call)
        self._answer_page(call, self._queues.sources_of(queue), "queueUrls", is_always_shown=True)

    def _answer_page(self, call: Call, found: list[SqsQueue], name: str, is_always_shown: bool = False) -> None:
        """Queues in the order of their names; the token is the last name of the page before."""
        count = call.parameters.get("MaxResults")
        if count is not None and not 1 <= count <= SQS_LIST_RESULTS_MAX:
            raise refusals.invalid_value(
                f"Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and "
                f"{SQS_LIST_RESULTS_MAX}."
            )
        after = _read_token(call.parameters.get("NextToken"))
        rest = [queue for queue in found if queue.name > after]
        page = rest[: count or SQS_LIST_RESULTS_MAX]
        result: dict[str, object] = {}
        if page or is_always_shown:
            result[name] = [self._queues.url_of(queue, call.base_url) for queue in page]
        if count is not None and len(rest) > len(page):
            result["NextToken"] = urlsafe_b64encode(page[-1].name.encode()).decode()
        call.answer(result)

    def delete_queue(self, call: Call) -> None:
        """DeleteQueue."""
        queue = self._service.queue_of(call)
        self._queues.delete(queue, call.now)
        call.answer_when_safe(self._service.ledger)

    def purge_queue(self, call: Call) -> None:
        """PurgeQueue."""
        queue = self._service.queue_of(call)
        if self._queues.is_strict and queue.purged_at and call.now < queue.purged_at + SQS_PURGE_INTERVAL_MS:
            raise refusals.purge_in_progress(queue.name)
        queue.purged_at = call.now
        queue.core.purge(call.now, lambda _: call.answer_when_safe(self._service.ledger))

    # --- attributes -------------------------------------------------------------------------------------------------

    def get_queue_attributes(self, call: Call) -> None:
        """GetQueueAttributes."""
        queue = self._service.queue_of(call)
        names: list[str] = call.parameters.get("AttributeNames", [])
        is_everything_wanted = any(map(is_all, names))
        for name in names:
            if name not in FIFO and name not in MEASURED and not is_all(name) and self._queues.is_strict:
                raise refusals.unknown_attribute(name)
        shown = queue.shown()
        if not is_everything_wanted:
            shown = {name: value for name, value in shown.items() if name in names}
        call.answer({"Attributes": shown} if shown else {})

    def set_queue_attributes(self, call: Call) -> None:
        """SetQueueAttributes."""
        queue = self._service.queue_of(call)
        given = self._given(call.parameters["Attributes"])
        if "FifoQueue" in given:
            if not queue.is_fifo:
                raise refusals.unknown_attribute("FifoQueue")
            if given["FifoQueue"].lower() != "true":
                raise refusals.attribute_value("FifoQueue", "Modifying queue type is not supported.")
        for name in given:
            if name in MEASURED or (name not in STANDARD and name not in FIFO):
                raise refusals.unknown_attribute(name)
        changes = check_attributes(given, queue.is_fifo)
        self._queues.change(queue, merged(queue.attributes, changes), call.now)
        self._queues.clear_text.check(queue.arn, given)
        call.answer_when_safe(self._service.ledger)

    # --- tags -------------------------------------------------------------------------------------------------------

    def tag_queue(self, call: Call) -> None:
        """TagQueue."""
        queue = self._service.queue_of(call)
        if not call.parameters["Tags"]:
            raise missing_parameter("Tags")
        tags = {**queue.tags, **call.parameters["Tags"]}
        check_tags(tags, queue.name)
        self._set_tags(call, queue, tags)

    def untag_queue(self, call: Call) -> None:
        """UntagQueue."""
        queue = self._service.queue_of(call)
        gone = call.parameters["TagKeys"]
        if not gone:
            raise refusals.invalid_value(f"Tag keys must be between 1 and {TAG_KEY_MAX} characters in length.")
        self._set_tags(call, queue, {key: value for key, value in queue.tags.items() if key not in gone})

    def _set_tags(self, call: Call, queue: SqsQueue, tags: dict[str, str]) -> None:
        queue.tags = tags
        self._queues.keep(queue)
        call.answer_when_safe(self._service.ledger)

    def list_queue_tags(self, call: Call) -> None:
        """ListQueueTags."""
        queue = self._service.queue_of(call)
        call.answer({"Tags": queue.tags} if queue.tags else {})

    # --- permissions ------------------------------------------------------------------------------------------------

    def add_permission(self, call: Call) -> None:
        """AddPermission."""
        queue = self._service.queue_of(call)
        given = call.parameters
        policy = add_permission(queue.policy, given["Label"], given["AWSAccountIds"], given["Actions"], str(queue.arn))
        self._set_policy(call, queue, policy.to_text())

    def remove_permission(self, call: Call) -> None:
        """RemovePermission."""
        queue = self._service.queue_of(call)
        policy = remove_permission(queue.policy, call.parameters["Label"])
        self._set_policy(call, queue, "" if policy is None else policy.to_text())

    def _set_policy(self, call: Call, queue: SqsQueue, text: str) -> None:
        self._queues.change(queue, merged(queue.attributes, {"Policy": text}), call.now)
        call.answer_when_safe(self._service.ledger)


def _read_token(token: str | None) -> str:
    if not token:
        return ""
    try:
        return b64decode(token.encode(), b"-_", validate=True).decode()
    except (NotBase64, ValueError):
        raise refusals.invalid_value("Invalid or expired next token.") from None
