"""What SQS refuses with: one function for each error, with the code and the text that AWS sends.

Texts are facts recorded from AWS, because clients match on them. A shape is the error's name in the service model; the
code is what the Query wire and the header `x-amzn-query-error` say, which predates the model.
"""

from mqbroker.errors import AwsError

_NAMESPACE = "AWS.SimpleQueueService."


def invalid_value(text: str) -> AwsError:
    """A parameter has a value that is not allowed."""
    return AwsError("InvalidParameterValueException", text, "InvalidParameterValue")


def invalid_parameter(value: object, name: str, reason: str) -> AwsError:
    """The same in AWS's most common words."""
    return invalid_value(f"Value {value} for parameter {name} is invalid. Reason: {reason}")


def no_deduplication_id() -> AwsError:
    """A message for a FIFO queue that cannot be told from others."""
    return invalid_value(
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    )


def queue_does_not_exist() -> AwsError:
    """There is no queue of that name."""
    return AwsError(
        "QueueDoesNotExist",
        "The specified queue does not exist.",
        _NAMESPACE + "NonExistentQueue",
        query_message="The specified queue does not exist for this wsdl version.",
    )


def queue_exists(attribute: str) -> AwsError:
    """CreateQueue for a queue that is there with another value of an attribute."""
    text = f"A queue already exists with the same name and a different value for attribute {attribute}"
    return AwsError("QueueNameExists", text, "QueueAlreadyExists")


def queue_of_another_protocol(name: str, vhost: str, obstacle: str) -> AwsError:
    """CreateQueue for a queue that AMQP or MQTT has in the same vhost, and that cannot be taken over as it is."""
    text = (
        f"A queue named {name} already exists in the vhost {vhost}: it was not created by SQS, and it {obstacle}. "
        "CreateQueue takes over a queue of AMQP that is durable and has no arguments, messages or consumers."
    )
    return AwsError("QueueNameExists", text, "QueueAlreadyExists")


def queue_deleted_recently() -> AwsError:
    """CreateQueue with a name that was deleted less than a minute ago."""
    return AwsError(
        "QueueDeletedRecently",
        "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
        _NAMESPACE + "QueueDeletedRecently",
    )


def purge_in_progress(name: str) -> AwsError:
    """PurgeQueue less than a minute after the one before."""
    text = f"Only one PurgeQueue operation on {name} is allowed every 60 seconds."
    return AwsError("PurgeQueueInProgress", text, _NAMESPACE + "PurgeQueueInProgress", status=403)


def over_limit(count: int) -> AwsError:
    """ReceiveMessage on a standard queue with too many messages in flight."""
    text = f"The maximum number of in flight messages is reached: {count}."
    return AwsError("OverLimit", text, "OverLimit", status=403)


def unknown_attribute(name: str) -> AwsError:
    """There is no such attribute, or it is not for this type of queue, or not to be set."""
    return AwsError("InvalidAttributeName", f"Unknown Attribute {name}.")


def attribute_name(text: str) -> AwsError:
    """An attribute that is not allowed together with others."""
    return AwsError("InvalidAttributeName", text)


def attribute_value(name: str, reason: str = "") -> AwsError:
    """An attribute has a value that is not allowed."""
    text = f"Invalid value for the parameter {name}."
    return AwsError("InvalidAttributeValue", f"{text} Reason: {reason}" if reason else text)


def receipt_handle_is_invalid(handle: str) -> AwsError:
    """The handle was not made by this queue."""
    return AwsError("ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not a valid receipt handle.')


def receipt_handle_is_of_another_queue(handle: str) -> AwsError:
    """The handle is of another queue, or of one that had the name before."""
    return AwsError("ReceiptHandleIsInvalid", f'The receipt handle "{handle}" is not valid for this queue.')


def receipt_handle_has_expired(handle: str) -> AwsError:
    """The handle is of a FIFO queue, whose message was received again since, or may be."""
    return invalid_parameter(handle, "ReceiptHandle", "The receipt handle has expired.")


def invalid_message_contents() -> AwsError:
    """A body with characters that XML 1.0 does not have."""
    return AwsError("InvalidMessageContents", INVALID_CHARACTERS)


INVALID_CHARACTERS = (
    "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | "
    "#x10000 to #x10FFFF"
)


def empty_batch(entry_shape: str) -> AwsError:
    """A batch without entries."""
    text = f"There should be at least one {entry_shape} in the request."
    return AwsError("EmptyBatchRequest", text, _NAMESPACE + "EmptyBatchRequest")


def too_many_entries(count: int, count_max: int) -> AwsError:
    """A batch with more than ten entries."""
    return AwsError(
        "TooManyEntriesInBatchRequest",
        f"Maximum number of entries per request are {count_max}. You have sent {count}.",
        _NAMESPACE + "TooManyEntriesInBatchRequest",
    )


def invalid_entry_id() -> AwsError:
    """An entry's id has other characters, or too many."""
    return AwsError(
        "InvalidBatchEntryId",
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
        "It can be at most 80 letters long.",
        _NAMESPACE + "InvalidBatchEntryId",
    )


def repeated_entry_id(entry_id: str) -> AwsError:
    """Two entries of a batch have the same id."""
    return AwsError("BatchEntryIdsNotDistinct", f"Id {entry_id} repeated.", _NAMESPACE + "BatchEntryIdsNotDistinct")


def batch_too_long(size: int, size_max: int) -> AwsError:
    """The messages of a batch are too large together."""
    text = f"Batch requests cannot be longer than {size_max} bytes. You have sent {size} bytes."
    return AwsError("BatchRequestTooLong", text, _NAMESPACE + "BatchRequestTooLong")


def resource_not_found(text: str) -> AwsError:
    """What a move task is about does not exist."""
    return AwsError("ResourceNotFoundException", text, status=404)


def unsupported(text: str) -> AwsError:
    """An operation that does not make sense as things are."""
    return AwsError("UnsupportedOperation", text, _NAMESPACE + "UnsupportedOperation")
