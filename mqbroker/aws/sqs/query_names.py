"""What things of SQS are called on the Query wire, which its present service model no longer says.

The names are those of the SQS API Reference, 2012-11-05. Lists and maps are flattened: `AttributeName.1`,
`Attribute.1.Name`, `SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType`.
"""

from mqbroker.aws.front.model import QueryNames

_NAME_VALUE = ("Name", "Value")

SQS_QUERY_NAMES = QueryNames(
    namespace="http://queue.amazonaws.com/doc/2012-11-05/",
    elements={
        "AWSAccountIdList": "AWSAccountId",
        "ActionNameList": "ActionName",
        "AttributeNameList": "AttributeName",
        "BatchResultErrorEntryList": "BatchResultErrorEntry",
        "BinaryList": "BinaryListValue",
        "ChangeMessageVisibilityBatchRequestEntryList": "ChangeMessageVisibilityBatchRequestEntry",
        "ChangeMessageVisibilityBatchResultEntryList": "ChangeMessageVisibilityBatchResultEntry",
        "DeleteMessageBatchRequestEntryList": "DeleteMessageBatchRequestEntry",
        "DeleteMessageBatchResultEntryList": "DeleteMessageBatchResultEntry",
        "ListMessageMoveTasksResultEntryList": "ListMessageMoveTasksResultEntry",
        "MessageAttributeNameList": "MessageAttributeName",
        "MessageBodyAttributeMap": "MessageAttribute",
        "MessageBodySystemAttributeMap": "MessageSystemAttribute",
        "MessageList": "Message",
        "MessageSystemAttributeList": "MessageSystemAttributeName",
        "MessageSystemAttributeMap": "Attribute",
        "QueueAttributeMap": "Attribute",
        "QueueUrlList": "QueueUrl",
        "SendMessageBatchRequestEntryList": "SendMessageBatchRequestEntry",
        "SendMessageBatchResultEntryList": "SendMessageBatchResultEntry",
        "StringList": "StringListValue",
        "TagKeyList": "TagKey",
        "TagMap": "Tag",
    },
    keys={
        "MessageBodyAttributeMap": _NAME_VALUE,
        "MessageBodySystemAttributeMap": _NAME_VALUE,
        "MessageSystemAttributeMap": _NAME_VALUE,
        "QueueAttributeMap": _NAME_VALUE,
        "TagMap": ("Key", "Value"),
    },
    path_member="QueueUrl",
    path_free_actions=frozenset({"GetQueueUrl"}),
    json_names={"Messages": "messages", "QueueUrls": "queueUrls"},
    data_actions=frozenset(
        (
            "ChangeMessageVisibility",
            "ChangeMessageVisibilityBatch",
            "DeleteMessage",
            "DeleteMessageBatch",
            "ReceiveMessage",
            "SendMessage",
            "SendMessageBatch",
        )
    ),
    resource_type="AWS::SQS::Queue",
)
