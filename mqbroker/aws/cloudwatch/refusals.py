"""What CloudWatch says of requests that it refuses."""

from mqbroker.aws.front.refusals import access_denied
from mqbroker.errors import AwsError

denied = access_denied


def invalid(text: str) -> AwsError:
    """A parameter is wrong."""
    return AwsError("InvalidParameterValueException", text, "InvalidParameterValue")


def combination(text: str) -> AwsError:
    """Parameters do not go together."""
    return AwsError("InvalidParameterCombinationException", text, "InvalidParameterCombination")


def missing(name: str) -> AwsError:
    """A parameter has to be there."""
    text = f"The parameter {name} is required."
    return AwsError("MissingRequiredParameterException", text, "MissingParameter")


def unfit(text: str) -> AwsError:
    """A request is not what the service takes."""
    return AwsError("ValidationException", text, "ValidationError")


def unknown_alarm(name: str) -> AwsError:
    """There is no such alarm."""
    return AwsError("ResourceNotFound", f"Unknown alarm: {name}", status=404)


def bad_token() -> AwsError:
    """A token for the next page was not given out here."""
    return AwsError("InvalidNextToken", "The next token is not valid.")


def too_many(text: str) -> AwsError:
    """A quota is used up."""
    return AwsError("LimitExceededFault", text, "LimitExceeded")
