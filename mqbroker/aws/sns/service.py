"""What every SNS action has at hand: the topics, who may what, the journal's promise, and what holds publishers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mqbroker.aws.front.call import Call
from mqbroker.aws.front.front import Handler
from mqbroker.aws.front.model import ServiceModel, Shape
from mqbroker.aws.limits import SNS_DECISIONS_REMEMBERED
from mqbroker.aws.policy.authorization import NO_CONTEXT, authorize, context_of
from mqbroker.aws.sns import refusals
from mqbroker.aws.sns.arns import TopicArn, parse_topic
from mqbroker.aws.sns.rights import SNS_RIGHTS
from mqbroker.aws.sns.topic import Topic
from mqbroker.aws.sns.topics import Topics
from mqbroker.core.broker import Broker
from mqbroker.core.recent import remember
from mqbroker.errors import AwsError
from mqbroker.protocols.services import Alarms


class SnsService:
    """The broker as SNS sees it."""

    def __init__(self, broker: Broker, topics: Topics, alarms: Alarms, filter_policies_max: int) -> None:
        """A topic may have so many filter policies."""
        self.broker = broker
        self.ledger = broker.ledger
        self.topics = topics
        self.alarms = alarms
        self.filter_policies_max = filter_policies_max
        self._generation = 0
        self._allowed: dict[tuple[TopicArn, str, str, str], bool] = {}
        """What was found allowed without a policy, as long as no permission changes."""

    def topic_of(self, call: Call, parameter: str = "TopicArn") -> Topic:
        """The topic that a parameter of the call names. Raises AwsError: it is not there, or the caller may not."""
        topic = self.topics.require(parse_topic(call.parameters[parameter], call.caller.region, parameter))
        self.check(call, topic)
        return topic

    def check(self, call: Call, topic: Topic, action: str = "") -> None:
        """Raises AwsError unless the caller may do this to the topic: the call's action, or another."""
        caller = call.caller
        if topic.policy is None and not caller.user and caller.account == topic.arn.account:
            return
        if topic.policy is not None:
            self._authorize(call, topic, action)
            return
        generation = self.broker.access.generation
        if generation != self._generation:
            self._generation = generation
            self._allowed.clear()
        question = (topic.arn, caller.account, caller.user, action or call.action.name)
        if question not in self._allowed:
            self._authorize(call, topic, action)
            remember(self._allowed, question, True, SNS_DECISIONS_REMEMBERED)

    def _authorize(self, call: Call, topic: Topic, action: str) -> None:
        context = NO_CONTEXT if topic.policy is None else _context(call, topic)
        arn = topic.arn
        self._decide(call, arn, topic.vhost.name, topic.exchange.name, action, topic, context)

    def check_account(self, call: Call, resource: str = "*") -> None:
        """Raises AwsError unless the caller may do this in his own account, by the permissions in its vhost."""
        caller = call.caller
        arn = TopicArn(caller.region, caller.account, resource)
        vhost = self.topics.vhost_name(caller.account)
        self._decide(call, arn, vhost, self.topics.exchange_name(arn), "", None, NO_CONTEXT)

    def _decide(
        self, call: Call, arn: TopicArn, vhost: str, name: str, action: str, topic: Topic | None,
        context: Mapping[str, str | Sequence[str]],
    ) -> None:  # fmt: skip
        right = SNS_RIGHTS[action or call.action.name]
        policy = None if topic is None else topic.policy
        try:
            authorize(self.broker.access, call.caller, arn.account, vhost, right, name, str(arn), policy, context)
        except AwsError as error:
            raise refusals.unauthorized(error.message.replace(right.name.lower(), right.name)) from None

    def open_to_publish(self) -> None:
        """Raises AwsError while publishers are held back."""
        reason = self.alarms.reason
        if reason:
            raise refusals.throttled(reason)

    def answer_when_safe(self, call: Call, result: Mapping[str, Any] | None = None) -> None:
        """Answers once everything that the call has changed is durable."""
        call.answer_when_safe(self.ledger, result)


def _context(call: Call, topic: Topic) -> Mapping[str, str | Sequence[str]]:
    given = call.parameters
    found = context_of(
        call.caller, call.now, call.headers, topic.arn.account, topic.arn.region, topic.tags, given.get("TagKeys") or ()
    )
    for key, parameter in (("sns:Endpoint", "Endpoint"), ("sns:Protocol", "Protocol")):
        if parameter in given:
            found[key] = given[parameter]
    return found


def requiring(model: ServiceModel, handlers: Mapping[str, Handler]) -> dict[str, Handler]:
    """The handlers, which are called only with everything that their actions have to have."""
    return {name: _requiring(model.actions[name].input, handler) for name, handler in handlers.items()}


def _requiring(shape: Shape, handler: Handler) -> Handler:
    kinds = {name: shape.members[name].shape.kind for name in shape.required}
    # An empty list or map leaves nothing in a form.
    empty = {name: _EMPTY[kind] for name, kind in kinds.items() if kind in _EMPTY}
    paths = [(name, name[0].lower() + name[1:]) for name, kind in kinds.items() if kind not in _EMPTY]

    def handle(call: Call) -> None:
        given = call.parameters
        for name, path in paths:
            if name not in given:
                raise refusals.missing(path)
        for name, make in empty.items():
            given.setdefault(name, make())
        handler(call)

    return handle


_EMPTY: Mapping[str, Callable[[], object]] = {"list": list, "map": dict}

NewId = Callable[[], bytes]
"""Returns the 16 octets of a new random UUID."""
