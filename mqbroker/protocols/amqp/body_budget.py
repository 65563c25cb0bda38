"""The memory that is taken for bodies which are not complete yet: of one connection, and of all connections together.

A client may begin a body on each of its channels and end none. Such bodies are in no queue, so that no consumer makes
room by taking them, and holding their publisher back keeps them for ever. So they have a bound of their own, far enough
below the one at which publishers are held back.
"""

from mqbroker.errors import ContentTooLarge


class BodyBudget:
    """So many octets at most; `of_all` is the budget of which this one is a part."""

    __slots__ = ("limit", "of_all", "taken")

    def __init__(self, limit: int, of_all: "BodyBudget | None" = None) -> None:
        self.limit = limit
        self.of_all = of_all
        self.taken = 0

    def take(self, count: int) -> None:
        """Takes octets. Raises ContentTooLarge when that is too much now."""
        if self.taken + count > self.limit:
            whose = "of this connection" if self.of_all is not None else "of all connections"
            raise ContentTooLarge(f"incomplete messages {whose} have {self.taken} bytes, and {self.limit} at most")
        if self.of_all is not None:
            self.of_all.take(count)
        self.taken += count

    def give_back(self, count: int) -> None:
        """They are complete, or dropped."""
        self.taken -= count
        if self.of_all is not None:
            self.of_all.give_back(count)
