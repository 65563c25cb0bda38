"""What an x-consistent-hash exchange is declared with: what it hashes, and the weights that binding keys state.

Texts are those of RabbitMQ's plugin. The hash is core/routing/consistent_hash.py.
"""

from collections.abc import Mapping

from mqbroker.core.rabbitmq.erlang_text import term_text
from mqbroker.errors import PreconditionFailed

HASHED_PROPERTIES = ("correlation_id", "message_id", "timestamp")


def parse_weight(key: str) -> int:
    """The weight that a binding key states. Raises PreconditionFailed unless it is a positive decimal integer."""
    digits = key[1:] if key[:1] in ("+", "-") else key
    if not (digits.isascii() and digits.isdigit()):
        raise PreconditionFailed(f"The binding key must be an integer: {term_text(key)}")
    weight = int(key)
    if weight < 1:
        raise PreconditionFailed("The binding key must be greater than 0")
    return weight


def hashed_by(arguments: Mapping[str, object]) -> tuple[str | None, str | None]:
    """The header or the property that is hashed; neither for the routing key. Raises PreconditionFailed."""
    check_hash_arguments(arguments)
    header, name = arguments.get("hash-header"), arguments.get("hash-property")
    return None if header is None else str(header), None if name is None else str(name)


def check_hash_arguments(arguments: Mapping[str, object]) -> None:
    """Raises PreconditionFailed for a declaration that does not say clearly what to hash."""
    for name in ("hash-header", "hash-property"):
        if name in arguments and not isinstance(arguments[name], str):
            raise PreconditionFailed(f"{name} must be a string")
    if "hash-header" in arguments and "hash-property" in arguments:
        raise PreconditionFailed("hash-header and hash-property are mutually exclusive")
    wanted = arguments.get("hash-property")
    if wanted is not None and wanted not in HASHED_PROPERTIES:
        raise PreconditionFailed(f"Unsupported property: {wanted}")
