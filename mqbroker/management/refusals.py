"""Requests that are refused, with RabbitMQ's status codes, words and spelling: tools match on them."""

from mqbroker.errors import AccessRefused, MqbrokerError, NotAllowed, NotFound, RequestRefused

METHODS = ("HEAD", "GET", "PUT", "DELETE", "POST", "OPTIONS")
"""In the order in which an answer names them."""


class Refusal(MqbrokerError):
    """A request gets this status, and an error with a reason."""

    def __init__(self, status: int, error: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.error = error
        self.reason = reason


class MethodRefused(MqbrokerError):
    """The path is there, and not for this method."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(", ".join(allowed))
        self.allowed = allowed


def bad_request(reason: str) -> Refusal:
    """400."""
    return Refusal(400, "bad_request", reason)


def missing() -> Refusal:
    """404 of what is looked at."""
    return Refusal(404, "Object Not Found", "Not Found")


def not_found(reason: str) -> Refusal:
    """404 of what something is to be done with."""
    return Refusal(404, "not_found", reason)


def unauthorised(reason: str) -> Refusal:
    """401 for who is known and may not: never 403, and spelled so."""
    return Refusal(401, "not_authorised", reason)


def refused_by_core(error: RequestRefused) -> Refusal:
    """What the core has refused."""
    if isinstance(error, NotFound):
        return not_found(str(error))
    if isinstance(error, AccessRefused | NotAllowed):
        return unauthorised("Access refused.")
    return bad_request(str(error))
