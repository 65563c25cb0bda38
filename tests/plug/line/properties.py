"""The properties of a line, of which there are none: it is kept, and that is all."""

from mqbroker.core.properties import Properties

LINE = 60


class LineProperties(Properties):
    """The same for every line."""

    __slots__ = ()

    def __init__(self, raw: bytes = b"") -> None:
        Properties.__init__(self, LINE, raw)
        self.persistent = True
