"""What the Query wire of SNS has beside its model.

A link in a message confirms or ends a subscription in a browser: what shows that its sender may is the secret in it.
"""

from mqbroker.aws.front.model import QueryNames

SNS_QUERY_NAMES = QueryNames(
    "",
    {},
    {},
    open_actions=frozenset(("ConfirmSubscription", "Unsubscribe")),
    checks_required=False,
    data_actions=frozenset(("Publish", "PublishBatch")),
    resource_type="AWS::SNS::Topic",
)
