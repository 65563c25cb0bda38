"""What every action of CloudWatch has at hand: what is known, who may what, and the journal's promise.

Metrics are an account's: whoever may enter its vhost may read them, and who may write to `cloudwatch/<namespace>` there
may put in his own. Those of the whole broker (AWS/AmazonMQ) are for the default account, and in it for the root and for
users that may monitor.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mqbroker.aws.auth.credentials import Caller
from mqbroker.aws.cloudwatch.custom import Custom
from mqbroker.aws.cloudwatch.recorder import Recorder
from mqbroker.aws.cloudwatch.series import Things
from mqbroker.aws.front.accounts import Accounts
from mqbroker.aws.front.call import Call
from mqbroker.aws.policy.authorization import Right, authorize
from mqbroker.core.broker import Broker

AMAZON_MQ = "AWS/AmazonMQ"

_READING = ("Get", "List", "Describe")
_SEEING_ALL = frozenset(("monitoring", "administrator"))


class CloudWatchService:
    """The broker as CloudWatch sees it."""

    def __init__(self, broker: Broker, accounts: Accounts, things: Things, custom: Custom, recorder: Recorder) -> None:
        self.things = things
        self.custom = custom
        self.recorder = recorder
        self._broker = broker
        self._accounts = accounts

    def check(self, call: Call, resource: str = "*", kind: str = "metric") -> None:
        """Raises AwsError unless the caller may do this in its account."""
        caller, name = call.caller, call.action.name
        permission = "any" if name.startswith(_READING) else "write" if name == "PutMetricData" else "configure"
        arn = f"arn:aws:cloudwatch:{caller.region}:{caller.account}:{kind}:{resource}"
        vhost = self._accounts.name_of(caller.account)
        right = Right(f"cloudwatch:{name}", permission)
        authorize(self._broker.access, caller, caller.account, vhost, right, f"cloudwatch/{resource}", arn, policy=None)

    def sees(self, caller: Caller, namespace: str) -> bool:
        """Whether the caller may see the metrics of a namespace in its account."""
        if namespace != AMAZON_MQ or not caller.user:
            return True
        user = self._broker.access.users.get(caller.user)
        return user is not None and not _SEEING_ALL.isdisjoint(user.tags)

    def after_look(self, call: Call, end: int, answer: Callable[[], None]) -> None:
        """Calls `answer` once enough is known of what was before `end`."""

        def answer_now(_: int) -> None:
            try:
                answer()
            except Exception:
                call.fail()

        self.recorder.when_looked(call.now, end, answer_now)

    def answer_when_safe(self, call: Call, result: Mapping[str, Any] | None = None) -> None:
        """Answers once everything that the call has changed is durable."""
        call.answer_when_safe(self._broker.ledger, result)
