"""What each action of SQS needs: SendMessage is write, receiving and looking is read, what changes the queue itself is
configure.

To see and change the attributes, to remove a permission and to delete the queue are the ways out for an owner.
"""

from collections.abc import Mapping

from mqbroker.aws.policy.authorization import Right


def _right(name: str, permission: str, is_shared: bool = False, is_way_out: bool = False) -> Right:
    return Right(f"sqs:{name}", permission, is_shared, is_way_out)


SQS_RIGHTS: Mapping[str, Right] = {
    "AddPermission": _right("AddPermission", "configure"),
    "CancelMessageMoveTask": _right("CancelMessageMoveTask", "read"),
    "ChangeMessageVisibility": _right("ChangeMessageVisibility", "read", True),
    "ChangeMessageVisibilityBatch": _right("ChangeMessageVisibility", "read", True),
    "CreateQueue": _right("CreateQueue", "configure"),
    "DeleteMessage": _right("DeleteMessage", "read", True),
    "DeleteMessageBatch": _right("DeleteMessage", "read", True),
    "DeleteQueue": _right("DeleteQueue", "configure", is_way_out=True),
    "GetQueueAttributes": _right("GetQueueAttributes", "read", True, is_way_out=True),
    "GetQueueUrl": _right("GetQueueUrl", "any", True),
    "ListDeadLetterSourceQueues": _right("ListDeadLetterSourceQueues", "read", True),
    "ListMessageMoveTasks": _right("ListMessageMoveTasks", "read"),
    "ListQueues": _right("ListQueues", "any"),
    "ListQueueTags": _right("ListQueueTags", "read"),
    "PurgeQueue": _right("PurgeQueue", "read", True),
    "ReceiveMessage": _right("ReceiveMessage", "read", True),
    "RemovePermission": _right("RemovePermission", "configure", is_way_out=True),
    "SendMessage": _right("SendMessage", "write", True),
    "SendMessageBatch": _right("SendMessage", "write", True),
    "SetQueueAttributes": _right("SetQueueAttributes", "configure", is_way_out=True),
    "StartMessageMoveTask": _right("StartMessageMoveTask", "read"),
    "TagQueue": _right("TagQueue", "configure"),
    "UntagQueue": _right("UntagQueue", "configure"),
}
"""The rights of SQS's 23 actions. A batch needs what its single action needs, and a move task reads from its source;
whether it may write to where it goes is another question, asked with SendMessage."""
