"""An expression of XPath that is a condition over a body."""

from mqbroker.core.selectors.xpath.document import TooMuch, Work, document_of
from mqbroker.core.selectors.xpath.functions import Focus
from mqbroker.core.selectors.xpath.parsing import compiled
from mqbroker.core.selectors.xpath.values import as_boolean


class Expression:
    """A compiled expression."""

    __slots__ = ("_evaluate",)

    def __init__(self, text: str) -> None:
        """Raises InvalidSelector."""
        self._evaluate = compiled(text)

    def holds(self, body: bytes) -> bool:
        """Whether it is true of a body; false of one that is no XML, or where it would take too long."""
        document = document_of(body)
        if document is None:
            return False
        work = Work()
        try:
            return as_boolean(self._evaluate(Focus(document.root, 1, 1, work)))
        except TooMuch:
            return False
        finally:
            document.forget()
