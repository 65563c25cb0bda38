"""How much the frames that are not complete may take, of all connections together: a client may announce what it never
sends, and many may."""


class Budget:
    """One for all connections."""

    __slots__ = ("most", "used")

    def __init__(self, most: int) -> None:
        """`most` octets altogether."""
        self.most = most
        self.used = 0

    def change(self, before: int, after: int) -> bool:
        """A connection keeps more, or less. Whether that is still within the budget."""
        self.used += after - before
        return after <= before or self.used <= self.most
