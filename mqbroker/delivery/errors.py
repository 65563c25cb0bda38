"""How a delivery fails: for now, or for good."""

from collections.abc import Container

TOO_MANY_REQUESTS = 429


class DeliveryFailed(Exception):
    """An attempt has failed. `status` is what the other side answered, 0 for nothing; `is_permanent` that trying again
    is of no use."""

    def __init__(self, reason: str, is_permanent: bool = False, status: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_permanent = is_permanent
        self.status = status


class RecipientGone(DeliveryFailed):
    """The service that was to pass a message on does not know its recipient, or not any more."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason, is_permanent=True, status=status)


def refusal(reason: str, status: int, passing: Container[int] = (TOO_MANY_REQUESTS,)) -> DeliveryFailed:
    """What an answer of HTTP means that has not taken a message: 5xx and those that pass may be another next time."""
    return DeliveryFailed(reason, is_permanent=not (status >= 500 or status in passing), status=status)
