"""The refusals that a test expects, in few words."""

from tests.support.amqp_talk import Refusal


def closes_channel(code: int, text: str, at: tuple[int, int]) -> Refusal:
    """channel.close; `at` are the class and the method that were refused."""
    return Refusal("channel.close", code, text, *at)


def closes_connection(code: int, text: str, at: tuple[int, int] = (0, 0)) -> Refusal:
    """connection.close; `at` are the class and the method that were refused, if it was one."""
    return Refusal("connection.close", code, text, *at)
