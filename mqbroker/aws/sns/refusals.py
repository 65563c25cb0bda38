"""What SNS refuses with: one function for each error, with the code and the text that AWS sends.

Texts are facts recorded from AWS, because clients match on them.
"""

from mqbroker.errors import AwsError


def invalid(what: str) -> AwsError:
    """A parameter is wrong."""
    return AwsError("InvalidParameter", f"Invalid parameter: {what}")


def invalid_plain(text: str) -> AwsError:
    """The same without AWS's usual beginning."""
    return AwsError("InvalidParameter", text)


def no_value(parameter: str) -> AwsError:
    """A parameter is there and empty."""
    return invalid(f"{parameter} Reason: no value for required parameter")


def missing(path: str) -> AwsError:
    """A required member is not there; `path` is the way to it, such as `messageAttributes.a.member.dataType`."""
    text = f"1 validation error detected: Value null at '{path}' failed to satisfy constraint: Member must not be null"
    return AwsError("ValidationError", text)


def not_found(what: str) -> AwsError:
    """A topic, subscription, endpoint or application does not exist."""
    return AwsError("NotFound", f"{what} does not exist", status=404)


def attribute_value(text: str) -> AwsError:
    """A message attribute is wrong."""
    return AwsError("ParameterValueInvalid", text)


def unauthorized(text: str) -> AwsError:
    """The sender is known and may not do this."""
    return AwsError("AuthorizationError", text, status=403)


def throttled(reason: str) -> AwsError:
    """Publishers are held back: SDKs try again."""
    return AwsError("Throttled", f"Rate exceeded: the broker is {reason}.", status=429)


def filter_policy_limit(most: int) -> AwsError:
    """A topic has as many filter policies as it may have."""
    text = f"Filter policy limit exceeded for this topic: no more than {most} subscriptions of it may have one."
    return AwsError("FilterPolicyLimitExceeded", text, status=403)


def endpoint_disabled() -> AwsError:
    """A device is published to whose endpoint is disabled."""
    return AwsError("EndpointDisabled", "Endpoint is disabled")


def application_disabled() -> AwsError:
    """The same for its whole application."""
    return AwsError("PlatformApplicationDisabled", "Platform application is disabled")


def resource_not_found() -> AwsError:
    """Tags or a data protection policy are asked for of a topic that does not exist."""
    return AwsError("ResourceNotFound", "Resource does not exist", status=404)


# --- batches ---------------------------------------------------------------------------------------------------------


def empty_batch() -> AwsError:
    """A batch without entries."""
    return AwsError("EmptyBatchRequest", "The batch request doesn't contain any entries.")


def too_many_entries() -> AwsError:
    """A batch with more than ten entries."""
    return AwsError("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")


def repeated_entry_id() -> AwsError:
    """Two entries of a batch have the same id."""
    return AwsError("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")


def invalid_entry_id() -> AwsError:
    """An entry's id has other characters."""
    text = "The Id of a batch entry in a batch request doesn't abide by the specification."
    return AwsError("InvalidBatchEntryId", text)


def batch_too_long() -> AwsError:
    """The messages of a batch are too large together."""
    text = "The length of all the messages put together is more than the limit."
    return AwsError("BatchRequestTooLong", text)


def forbidden_entry_id() -> AwsError:
    """The same for characters that an id may not have."""
    text = (
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 "
        "letters long."
    )
    return AwsError("InvalidBatchEntryId", text)
