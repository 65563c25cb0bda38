"""What every SQS action has at hand: the queues, who may what, the journal's promise, and what holds publishers."""

from collections.abc import Mapping, Sequence

from mqbroker.aws.front.call import Call
from mqbroker.aws.limits import SQS_DECISIONS_REMEMBERED
from mqbroker.aws.policy.authorization import NO_CONTEXT, authorize, context_of
from mqbroker.aws.sqs.queue import SqsQueue
from mqbroker.aws.sqs.queues import SqsQueues
from mqbroker.aws.sqs.rights import SQS_RIGHTS
from mqbroker.core.broker import Broker
from mqbroker.core.recent import remember
from mqbroker.protocols.services import Alarms


class SqsService:
    """The broker as SQS sees it."""

    __slots__ = ("_allowed", "_generation", "alarms", "broker", "ledger", "queues")

    def __init__(self, broker: Broker, queues: SqsQueues, alarms: Alarms) -> None:
        self.broker = broker
        self.ledger = broker.ledger
        self.queues = queues
        self.alarms = alarms
        self._generation = 0
        self._allowed: dict[tuple[int, str, str, str], bool] = {}
        """What was found allowed without a policy, as long as no permission changes."""

    def queue_of(self, call: Call) -> SqsQueue:
        """The queue that the call's QueueUrl means. Raises AwsError: it is not there, or the caller may not."""
        caller = call.caller
        queue = self.queues.at_url(call.parameters["QueueUrl"], caller.account, caller.region)
        if caller.user or queue.policy is not None or caller.account != queue.arn.account:
            self.check(call, queue)
        return queue

    def check(self, call: Call, queue: SqsQueue, action: str = "") -> None:
        """Raises AwsError unless the caller may do this to the queue: the call's action, or another that it implies."""
        if queue.policy is not None:
            self._authorize(call, queue, action)
            return
        generation = self.broker.access.generation
        if generation != self._generation:
            self._generation = generation
            self._allowed.clear()
        question = (queue.key, call.caller.account, call.caller.user, action or call.action.name)
        if question not in self._allowed:
            self._authorize(call, queue, action)
            remember(self._allowed, question, True, SQS_DECISIONS_REMEMBERED)

    def _authorize(self, call: Call, queue: SqsQueue, action: str) -> None:
        authorize(
            self.broker.access,
            call.caller,
            queue.arn.account,
            queue.vhost.name,
            SQS_RIGHTS[action or call.action.name],
            queue.core.name,
            str(queue.arn),
            queue.policy,
            NO_CONTEXT if queue.policy is None else _context(call, queue),
        )


def _context(call: Call, queue: SqsQueue) -> Mapping[str, str | Sequence[str]]:
    given = call.parameters
    given_tags = given.get("Tags") or given.get("TagKeys") or ()
    return context_of(call.caller, call.now, call.headers, queue.arn.account, queue.arn.region, queue.tags, given_tags)
